// 单商户版（2.x）：登记一笔 10.00 元（1000 分）的订单，退 2.50 元（250 分），再查询这笔退款。
// Single edition: records an order of 10.00 yuan (1000 fen), refunds 2.50 (250 fen), and queries the refund.
//
//	UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_SECRET=123456 go run single.go      # Go 1.23
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
	"slices"
	"strings"
	"time"
)

var (
	url     = cmp.Or(os.Getenv("UNIPAY_URL"), "http://127.0.0.1:3000")
	secret  = cmp.Or(os.Getenv("UNIPAY_SECRET"), "123456")
	sandbox = cmp.Or(os.Getenv("UNIPAY_SANDBOX"), "OK") // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

	client = http.Client{Timeout: 10 * time.Second}

	// 结果不明：重复操作、内部错误、处理中、限流 / unknown: repeated, internal error, under way, over a limit
	undecided = []int{10007, 10500, 20043, 20060}
)

const noSuchRefund = 20041

// Fields 是对象的一层，值为原样的 JSON。 / Fields is one level of an object, its values JSON as it stands.
type Fields map[string]json.RawMessage

// Data 是验过签的业务数据。 / Data is the data of an answer, its signature verified.
type Data struct {
	Code                int
	BizRefundNo, Status string
	Amount              int
}

// signed 写出待签名文本中的值，null 成为空。 / signed writes a value as it stands in the signed text, null as nothing.
func signed(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

func sign(fields Fields) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := signed(fields[name]); name != "sign" && value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	text := strings.NewReplacer(`"`, "", `\`, "").Replace(strings.Join(pairs, "&")) + "&key=" + secret
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// post 发送请求，返回应答的正文。 / post sends a request and returns the answer's body.
func post(path string, given map[string]any) ([]byte, error) {
	given = maps.Clone(given)
	given["reqTime"] = time.Now().Unix()
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

// call 发送请求，验证 data 内的签名，返回 data；结果不明时返回 nil。
// call sends a request, verifies the signature in data, and returns data; nil: outcome unknown.
func call(path string, given map[string]any) *Data {
	body, err := post(path, given)
	var answer struct {
		Code int
		Data json.RawMessage
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
	// 外层的拒绝（参数、签名、时钟）没有签名 / a refusal on the envelope (parameters, signature, clock) is not signed
	var fields Fields
	var data Data
	if answer.Code != 0 || json.Unmarshal(answer.Data, &fields) != nil || json.Unmarshal(answer.Data, &data) != nil {
		log.Fatalf("%s: 未受理 not accepted: %s", path, body)
	}
	if !hmac.Equal([]byte(sign(fields)), []byte(signed(fields["sign"]))) {
		log.Fatalf("%s: 应答验签失败 the answer's signature does not hold: %s", path, body)
	}
	fmt.Printf("%s: %d %s\n", path, data.Code, answer.Data)
	if slices.Contains(undecided, data.Code) {
		return nil
	}
	return &data
}

// refund 退款直到有结果。超时或处理中只查询原号码，绝不换号。
// refund refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
func refund(fields map[string]any) *Data {
	data := call("refund", fields)
	for range 30 {
		// data.code 为 0 只表示受理，结果看 status / data.code 0 means accepted, the outcome is status
		if data != nil && (data.Code != 0 || data.Status != "progress") {
			return data
		}
		time.Sleep(time.Second)
		data = call("query/refundOrder", map[string]any{"bizRefundNo": fields["bizRefundNo"]})
		if data != nil && data.Code == noSuchRefund {
			data = call("refund", fields) // 请求没有到达，原样再发 / it never arrived: the same again
		}
	}
	log.Fatal("仍在处理中，请稍后再查 still in progress: query it later")
	return nil
}

func must(data *Data) *Data {
	if data == nil || data.Code != 0 {
		log.Fatal("未受理 not accepted")
	}
	return data
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
		"title": "茶 Tea", "amount": 1000, "payTime": time.Now().Unix(),
	}))
	must(refund(map[string]any{"bizOrderNo": orderNo, "bizRefundNo": refundNo, "amount": 250, "reason": "凉了 cold"}))
	found := must(call("query/refundOrder", map[string]any{"bizRefundNo": refundNo}))
	fmt.Println("refund", found.BizRefundNo, found.Status, found.Amount)
}
