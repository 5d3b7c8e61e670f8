// 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。
// Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund.
//
//	UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 go run open.go      # Go 1.23
package main

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	url     = cmp.Or(os.Getenv("UNIPAY_URL"), "http://127.0.0.1:3000")
	appID   = cmp.Or(os.Getenv("UNIPAY_APP_ID"), "DEMO")
	secret  = cmp.Or(os.Getenv("UNIPAY_SECRET"), "123456")
	sandbox = cmp.Or(os.Getenv("UNIPAY_SANDBOX"), "OK") // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

	zone      = time.FixedZone("server", 8*60*60)
	client    = http.Client{Timeout: 10 * time.Second}
	invisible = regexp.MustCompile("[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]")

	// 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
	undecided = []int{10500, 20043, 20060}
)

const noSuchRefund = 20041

// Fields 是对象的一层，值为原样的 JSON。 / Fields is one level of an object, its values JSON as it stands.
type Fields map[string]json.RawMessage

// Data 是应答的业务数据。 / Data is the data of an answer.
type Data struct {
	BizRefundNo, Status string
	Amount              json.Number
}

// Answer 是验过签的应答。 / Answer is an answer whose signature holds.
type Answer struct {
	Code int
	Data Data
}

// signed 写出待签名文本中的值。 / signed writes a value as it stands in the signed text.
func signed(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text // null 也成为空 / null becomes empty, too
	}
	text = string(value)
	if strings.HasPrefix(text, "{") {
		return invisible.ReplaceAllStringFunc(text, func(found string) string {
			return fmt.Sprintf(`\u%04x`, []rune(found)[0])
		})
	}
	return plain(text)
}

// plain 去掉小数末尾的零。 / plain drops a decimal's trailing zeros: 1.10 -> 1.1, 1.00 -> 1.
func plain(number string) string {
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number
}

func sign(fields Fields) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := signed(fields[name]); name != "sign" && value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	text := strings.NewReplacer(`"`, "", `\`, "").Replace(strings.Join(pairs, "&")) + "&key=" + secret
	text = strings.ReplaceAll(strings.ToUpper(text), "ß", "SS") // ToUpper 不变 ß / ToUpper leaves ß
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func now() string { return time.Now().In(zone).Format(time.DateTime) }

// post 发送请求，返回应答的正文。 / post sends a request and returns the answer's body.
func post(path string, given map[string]any) ([]byte, error) {
	given = maps.Clone(given)
	given["appId"], given["reqTime"] = appID, now()
	fields := Fields{}
	for name, value := range given {
		fields[name], _ = json.Marshal(value)
	}
	fields["sign"], _ = json.Marshal(sign(fields))
	body, _ := json.Marshal(fields)
	response, err := client.Post(url+"/unipay/"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

// call 发送请求并验证应答的签名；结果不明时返回 nil。 / call sends a request and verifies the answer; nil: outcome unknown.
func call(path string, given map[string]any) *Answer {
	body, err := post(path, given)
	var fields Fields
	var answer Answer
	if err == nil {
		err = json.Unmarshal(body, &fields)
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err == nil && slices.Contains(undecided, answer.Code) {
		err = fmt.Errorf("%s", body)
	}
	if err != nil {
		fmt.Printf("%s: 结果不明 unknown: %v\n", path, err)
		return nil
	}
	if !hmac.Equal([]byte(sign(fields)), []byte(signed(fields["sign"]))) {
		log.Fatalf("%s: 应答验签失败 the answer's signature does not hold: %s", path, body)
	}
	fmt.Printf("%s: %d %s %s\n", path, answer.Code, signed(fields["msg"]), fields["data"])
	return &answer
}

// refund 退款直到有结果。超时或处理中只查询原号码，绝不换号。
// refund refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
func refund(fields map[string]any) *Answer {
	answer := call("refund", fields)
	for range 30 {
		// code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
		if answer != nil && (answer.Code != 0 || answer.Data.Status != "progress") {
			return answer
		}
		time.Sleep(time.Second)
		answer = call("query/refundOrder", map[string]any{"bizRefundNo": fields["bizRefundNo"]})
		if answer != nil && answer.Code == noSuchRefund {
			answer = call("refund", fields) // 请求没有到达，原样再发 / it never arrived: the same again
		}
	}
	log.Fatal("仍在处理中，请稍后再查 still in progress: query it later")
	return nil
}

func must(answer *Answer) Data {
	if answer == nil || answer.Code != 0 {
		log.Fatal("未受理 not accepted")
	}
	return answer.Data
}

func main() {
	log.SetFlags(0)
	// 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
	random := make([]byte, 8)
	rand.Read(random)
	run := hex.EncodeToString(random)
	orderNo, refundNo := "P"+run, "R"+run

	must(call("order/record", map[string]any{
		"bizOrderNo": orderNo, "outOrderNo": "SBX-" + sandbox + "-" + run, "channel": "sandbox", "method": "qr_code",
		"title": "茶 Tea", "amount": json.Number("10.00"), "payTime": now(),
	}))
	must(refund(map[string]any{
		"bizOrderNo": orderNo, "bizRefundNo": refundNo, "amount": json.Number("2.50"), "reason": "凉了 cold",
	}))
	found := must(call("query/refundOrder", map[string]any{"bizRefundNo": refundNo}))
	fmt.Println("refund", found.BizRefundNo, found.Status, found.Amount)
}
