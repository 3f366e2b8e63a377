package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var parts []string
		for _, part := range strings.Split(strings.TrimSpace(line), ",") {
			text, _ := base64.StdEncoding.DecodeString(part)
			parts = append(parts, string(text))
		}
		h := http.Header{}
		h.Set("webhook-id", parts[1])
		h.Set("webhook-timestamp", parts[2])
		h.Set("webhook-signature", parts[3])
		fmt.Println(isGenuine(parts[0], h, []byte(parts[4])))
	}
}
