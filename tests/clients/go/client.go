// x/oauth2, unmodified, as a client of tokenlease serve.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	ctx := context.Background()
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		config := clientcredentials.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			TokenURL:     os.Getenv("SERVER") + "/token",
			Scopes:       []string{os.Getenv("PROFILE")},
			AuthStyle:    style,
		}
		token, err := config.Token(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if !token.Valid() || time.Until(token.Expiry) < time.Minute {
			log.Fatalf("it expires at %v", token.Expiry)
		}
		response, err := config.Client(ctx).Get(os.Getenv("API"))
		if err != nil || response.StatusCode != 200 {
			log.Fatalf("%v %v", response, err)
		}
		config.ClientSecret = "wrong"
		_, err = config.Token(ctx)
		var rejected *oauth2.RetrieveError
		if !errors.As(err, &rejected) || rejected.ErrorCode != "invalid_client" {
			log.Fatalf("a wrong secret: %v", err)
		}
		if style == oauth2.AuthStyleInParams {
			fmt.Println(token.AccessToken)
		}
	}
}
