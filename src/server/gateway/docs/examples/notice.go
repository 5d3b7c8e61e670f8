// 接收退款通知，两种协议版本都验签。 / Receives notices of refunds, and verifies those of both editions.
//
//	UNIPAY_SECRET=123456 go run notice.go 8000      # Go 1.23; notifyUrl: http://127.0.0.1:8000/
package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const bodyBytesMax = 64 * 1024

var (
	secret    = cmp.Or(os.Getenv("UNIPAY_SECRET"), "123456")
	invisible = regexp.MustCompile("[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]")

	// 已处理的通知。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
	// The handled notices. In production a unique key in the database, in the transaction that books the refund, as a query of
	// it tells it.
	handled sync.Map
)

// Fields 是对象的一层，值为原样的 JSON。 / Fields is one level of an object, its values JSON as it stands.
type Fields map[string]json.RawMessage

// Refund 是通知里的退款。 / Refund is the refund of a notice.
type Refund struct {
	RefundNo, BizRefundNo, Status string
	Amount                        json.Number
}

// plain 去掉小数末尾的零。 / plain drops a decimal's trailing zeros: 1.10 -> 1.1, 1.00 -> 1.
func plain(value json.RawMessage) string {
	text := string(value)
	if !strings.HasPrefix(text, `"`) && strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// nested 写出嵌套的 data：字段按名排序，不分大小写。 / nested writes data with its fields sorted by name, ignoring case.
func nested(fields Fields) string {
	names := slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	})
	var parts []string
	for _, name := range names {
		if value := plain(fields[name]); value != "null" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
	}
	return invisible.ReplaceAllStringFunc("{"+strings.Join(parts, ",")+"}", func(found string) string {
		return fmt.Sprintf(`\u%04x`, []rune(found)[0])
	})
}

// signed 写出待签名文本中的值，null 成为空。 / signed writes a value as it stands in the signed text, null as nothing.
func signed(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var fields Fields
	if json.Unmarshal(value, &fields) == nil {
		return nested(fields)
	}
	return plain(value)
}

func sign(fields Fields, isOpen bool) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := signed(fields[name]); name != "sign" && value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	text := strings.NewReplacer(`"`, "", `\`, "").Replace(strings.Join(pairs, "&")) + "&key=" + secret
	if isOpen {
		text = strings.ReplaceAll(strings.ToUpper(text), "ß", "SS") // ToUpper 不变 ß / ToUpper leaves ß
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// refundOf 验签并取出退款。 / refundOf verifies a notice and returns its refund.
func refundOf(body []byte) (refund Refund, err error) {
	var notice Fields
	if err = json.Unmarshal(body, &notice); err != nil {
		return refund, err
	}
	// 服务商版的时间是字符串 / the open edition writes times as strings
	isOpen := strings.HasPrefix(string(notice["resTime"]), `"`)
	if !hmac.Equal([]byte(sign(notice, isOpen)), []byte(signed(notice["sign"]))) {
		return refund, errors.New("验签失败 the signature does not hold")
	}
	if isOpen {
		body = notice["data"]
	}
	if err = json.Unmarshal(body, &refund); err == nil && refund.RefundNo == "" {
		err = errors.New("没有退款号 no refundNo")
	}
	return refund, err
}

func receive(response http.ResponseWriter, request *http.Request) {
	var refund Refund
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, bodyBytesMax))
	if err == nil {
		refund, err = refundOf(body)
	}
	if err != nil {
		fmt.Println("refused", err)
		http.Error(response, "FAIL", http.StatusBadRequest)
		return
	}
	// 同一通知可能来多次，只处理一次，都答 SUCCESS / a notice may come again: it is handled once and always answered
	what := "notice"
	if _, seen := handled.LoadOrStore(refund.RefundNo+" "+refund.Status, true); seen {
		what = "repeat"
	}
	fmt.Println(what, refund.RefundNo, refund.BizRefundNo, refund.Status, refund.Amount)
	io.WriteString(response, "SUCCESS")
}

func main() {
	port := cmp.Or(os.Getenv("PORT"), "8000")
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	server := http.Server{Handler: http.HandlerFunc(receive), ReadTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}
