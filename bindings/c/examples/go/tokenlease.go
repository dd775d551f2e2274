package main

// #cgo pkg-config: tokenlease
// #include <tokenlease.h>
// int32_t callFunction(void *user, tokenlease_token *token, tokenlease_response *response);
import "C"
import (
	"context"
	"errors"
	"runtime/cgo"
	"time"
	"unsafe"
)

type status = C.tokenlease_status
type failure = **C.tokenlease_error
type function = func(*C.tokenlease_token, *C.tokenlease_response) C.int32_t

// try makes calls that can fail, up to the first error.
func try(calls ...func(failure) status) error {
	for _, call := range calls {
		var details *C.tokenlease_error
		if call(&details) != C.TOKENLEASE_OK {
			defer C.tokenlease_error_free(details)
			return errors.New(C.GoString(C.tokenlease_error_message(details)))
		}
	}
	return nil
}

// Client gets a token once and calls APIs with it. Any number of goroutines may use it.
type Client struct{ handle *C.tokenlease_client }

// NewClient makes a client from the environment and a password. Close frees it.
func NewClient(password string) (client Client, err error) {
	var config *C.tokenlease_config
	text, length := (*C.char)(unsafe.Pointer(unsafe.StringData(password))), C.size_t(len(password))
	err = try(
		func(e failure) status { return C.tokenlease_config_new(&config, e) },
		func(e failure) status { return C.tokenlease_config_load_environment(config, e) },
		func(e failure) status { return C.tokenlease_config_set_password(config, text, length, e) },
		func(e failure) status { return C.tokenlease_client_new(config, nil, &client.handle, e) })
	C.tokenlease_config_free(config)
	return client, err
}

func (client Client) Close() { C.tokenlease_client_free(client.handle) }

// wait makes calls that wait. The end of the context interrupts all waits of the client until these return.
func (client Client) wait(ctx context.Context, calls ...func(failure) status) error {
	result := make(chan error)
	go func() { result <- try(calls...) }()
	for {
		select {
		case err := <-result:
			if err != nil {
				err = errors.Join(ctx.Err(), err)
			}
			return err
		case <-ctx.Done():
			C.tokenlease_client_interrupt(client.handle)
			time.Sleep(time.Millisecond)
		}
	}
}

// Call calls an API, and once more if it rejected the token. present gets the value of the header "Authorization"
// or the member of the JSON body, and returns the answer's status and body. It must not panic.
func (client Client) Call(ctx context.Context, present func(authorization, field string) (int, []byte, error)) error {
	var err error
	handle := cgo.NewHandle(func(token *C.tokenlease_token, response *C.tokenlease_response) C.int32_t {
		field := C.GoString(C.tokenlease_token_json_field(token))
		code, body, failed := present(C.GoString(C.tokenlease_token_authorization(token)), field)
		if err = failed; err != nil {
			return 1
		}
		bytes := (*C.char)(unsafe.Pointer(unsafe.SliceData(body)))
		return C.int32_t(C.tokenlease_response_set(response, C.int32_t(code), bytes, C.size_t(len(body)), nil))
	})
	defer handle.Delete()
	failed := client.wait(ctx, func(e failure) status {
		return C.tokenlease_client_call(client.handle, nil, (*[0]byte)(C.callFunction), unsafe.Pointer(&handle), e)
	})
	return errors.Join(failed, err)
}

//export callFunction
func callFunction(user unsafe.Pointer, token *C.tokenlease_token, response *C.tokenlease_response) C.int32_t {
	return (*cgo.Handle)(user).Value().(function)(token, response)
}

// Revoke revokes the token, and returns when it expires.
func (client Client) Revoke(ctx context.Context) (expires time.Time, err error) {
	var token *C.tokenlease_token
	err = client.wait(ctx,
		func(e failure) status { return C.tokenlease_client_token(client.handle, nil, &token, e) },
		func(e failure) status { return C.tokenlease_client_revoke(client.handle, token, nil, new(C.bool), e) })
	defer C.tokenlease_token_free(token)
	return time.UnixMilli(int64(C.tokenlease_token_expires_at_ms(token))), err
}
