// Sends requests with the credentials of an exec plugin, as kubectl does:
//
//	kubernetes VERSION URL COUNT COMMAND [ARGUMENT ...]
//
// Prints the status of each response. `kubernetes schema` checks that an ExecCredential on standard input has
// the published members and no others.
package main

import (
	"fmt"
	"os"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/pkg/apis/clientauthentication/install"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

func main() {
	var err error
	if os.Args[1] == "schema" {
		err = schema()
	} else {
		err = requests(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func schema() error {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	strict := json.NewSerializerWithOptions(
		json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Strict: true})
	text := make([]byte, 1<<20)
	length, err := os.Stdin.Read(text)
	if err != nil {
		return err
	}
	object, kind, err := strict.Decode(text[:length], nil, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%s %T\n", kind, object)
	return nil
}

func requests(args []string) error {
	config := &rest.Config{
		Host: args[1],
		ExecProvider: &api.ExecConfig{
			APIVersion:         "client.authentication.k8s.io/" + args[0],
			Command:            args[3],
			Args:               args[4:],
			InteractiveMode:    api.NeverExecInteractiveMode,
			ProvideClusterInfo: true,
		},
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	for range count {
		response, err := client.Get(args[1])
		if err != nil {
			return err
		}
		response.Body.Close()
		fmt.Println(response.StatusCode)
	}
	return nil
}
