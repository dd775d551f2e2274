// A plugin in Go. It calls each URL of its input with the token, or revokes the token. Ctrl-C cancels a call.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
)

func callAPI(ctx context.Context, client Client, url string) (answer string, err error) {
	attempts := 0
	err = client.Call(ctx, func(authorization, field string) (int, []byte, error) {
		attempts++
		method, body := http.MethodGet, ""
		if field != "" {
			method, body = http.MethodPost, `{"Text":"hello",`+field+"}"
		}
		request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, nil, err
		}
		defer response.Body.Close()
		bytes, err := io.ReadAll(response.Body)
		answer = fmt.Sprintf("HTTP %d, attempts: %d, %s", response.StatusCode, attempts, bytes)
		return response.StatusCode, bytes, err
	})
	return answer, err
}

func run(ctx context.Context, client Client, line string) (string, error) {
	if line != "revoke" {
		return callAPI(ctx, client, line)
	}
	expires, err := client.Revoke(ctx)
	return fmt.Sprint("revoked a token that expires at ", expires.UnixMilli()), err
}

func main() {
	client, err := NewClient(os.Getenv("PASSWORD"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		answer, err := run(ctx, client, lines.Text())
		if err != nil {
			answer = "error: " + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		fmt.Println(answer)
		stop()
	}
}
