<?php declare(strict_types=1);
// A plugin in PHP. It calls each URL of its input with the token, or revokes the token.
final class TokenleaseError extends RuntimeException {}

// A handle of the library. FFI does not free it: the destructor does, as soon as no variable has it.
final class Handle
{
    public FFI\CData $at;

    public function __construct(private FFI $library, private string $kind)
    {
        $this->at = $library->new("tokenlease_$kind *");
    }

    public function __destruct()
    {
        $this->library->{"tokenlease_{$this->kind}_free"}($this->at);
    }
}

final class Client
{
    private FFI $library;
    private Handle $client;

    public function __construct(string $password)
    {
        $header = file_get_contents(getenv('PREFIX') . '/include/tokenlease.ffi.h');
        $this->library = FFI::cdef($header, 'libtokenlease.so.0.1');
        $config = $this->new('config', 'config_new');
        $this->call('config_load_environment', $config->at);
        $this->call('config_set_password', $config->at, $password, strlen($password));
        $this->client = $this->new('client', 'client_new', $config->at, null);
    }

    // Calls a function that can fail, and throws its error.
    private function call(string $function, mixed ...$arguments): void
    {
        $error = new Handle($this->library, 'error');
        if ($this->library->{"tokenlease_$function"}(...[...$arguments, FFI::addr($error->at)]) !== 0) {
            throw new TokenleaseError($this->library->tokenlease_error_message($error->at));
        }
    }

    private function new(string $kind, string $function, mixed ...$arguments): Handle
    {
        $handle = new Handle($this->library, $kind);
        $this->call($function, ...[...$arguments, FFI::addr($handle->at)]);
        return $handle;
    }

    // Calls $send with the library and the token, and once more if the API rejected the token. It does without
    // tokenlease_client_call, because PHP keeps the memory of a C callback until the script ends.
    public function callApi(callable $send): array
    {
        $token = $this->new('token', 'client_token', $this->client->at, null);
        $meaning = $this->library->new('tokenlease_api_answer');
        [$status, $body] = $answer = $send($this->library, $token->at);
        $this->call('client_read_answer', $this->client->at, $status, $body, strlen($body), FFI::addr($meaning));
        if ($meaning->cdata === $this->library->TOKENLEASE_ANSWER_NOT_REJECTED) { return $answer; }
        $new = $this->new('token', 'client_report_rejected', $this->client->at, $token->at, null);
        return FFI::isNull($new->at) ? $answer : $send($this->library, $new->at);
    }

    // Revokes the token, and returns when it expires, in milliseconds since 1970.
    public function revoke(): int
    {
        $token = $this->new('token', 'client_token', $this->client->at, null);
        $proven = $this->library->new('bool');
        $this->call('client_revoke', $this->client->at, $token->at, null, FFI::addr($proven));
        return $this->library->tokenlease_token_expires_at_ms($token->at);
    }
}

function send(string $url, FFI $library, FFI\CData $token): array
{
    $field = $library->tokenlease_token_json_field($token);
    $http = $field === null
        ? ['header' => 'Authorization: ' . $library->tokenlease_token_authorization($token)]
        : ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => "{\"Text\":\"hello\",$field}"];
    $context = stream_context_create(['http' => $http + ['ignore_errors' => true, 'timeout' => 10]]);
    $body = @file_get_contents($url, false, $context);
    return $body !== false ? [(int) explode(' ', $http_response_header[0])[1], $body] : throw new RuntimeException('no answer');
}

$client = new Client(getenv('PASSWORD'));
while ($line = trim((string) fgets(STDIN))) {
    try {
        if ($line === 'revoke') {
            printf("revoked a token that expires at %d\n", $client->revoke());
            continue;
        }
        $answers = [];
        $send = function (...$with) use ($line, &$answers) { return $answers[] = send($line, ...$with); };
        [$status, $body] = $client->callApi($send);
        printf("HTTP %d, attempts: %d, %s\n", $status, count($answers), $body);
    } catch (RuntimeException $error) {
        echo 'error: ', $error->getMessage(), "\n";
    }
}
