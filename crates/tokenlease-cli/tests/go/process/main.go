// Reads the credentials of a command as AWS' library for Go does: process COMMAND [ARGUMENT ...]. Prints one
// JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

func main() {
	make := func(ctx context.Context) (*exec.Cmd, error) {
		return exec.CommandContext(ctx, os.Args[1], os.Args[2:]...), nil
	}
	provider := processcreds.NewProviderCommand(processcreds.NewCommandBuilderFunc(make))
	found, err := provider.Retrieve(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, err := json.Marshal(found)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
