// Calls docker-credential-tokenlease as docker does: docker OPERATION [ADDRESS [USERNAME]], with a secret on
// standard input. Prints one JSON object.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

type result struct {
	Found    *credentials.Credentials
	All      map[string]string
	Error    string
	NotFound bool
}

func main() {
	program := client.NewShellProgramFunc("docker-credential-tokenlease")
	argument := func(index int) string {
		if index < len(os.Args) {
			return os.Args[index]
		}
		return ""
	}
	var done result
	var err error
	switch argument(1) {
	case "get":
		done.Found, err = client.Get(program, argument(2))
	case "list":
		done.All, err = client.List(program)
	case "erase":
		err = client.Erase(program, argument(2))
	case "store":
		secret, failed := io.ReadAll(os.Stdin)
		if failed != nil {
			panic(failed)
		}
		err = client.Store(program, &credentials.Credentials{
			ServerURL: argument(2), Username: argument(3), Secret: string(secret),
		})
	default:
		panic("an unknown operation")
	}
	if err != nil {
		done.Error = err.Error()
		done.NotFound = credentials.IsErrCredentialsNotFound(err)
	}
	text, err := json.Marshal(done)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
