// A plugin in Node.js. It calls each URL of its input with the token, or revokes the token.
import koffi from 'koffi';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const library = koffi.load('libtokenlease.so.0.1');
const free = {};
for (const handle of ['config', 'client', 'token', 'error']) {
  koffi.opaque(`tokenlease_${handle}`);
  free[handle] = library.func(`void tokenlease_${handle}_free(tokenlease_${handle} *)`);
}
const errorMessage = library.func('const char *tokenlease_error_message(tokenlease_error *)');
const authorization = library.func('const char *tokenlease_token_authorization(tokenlease_token *)');
const jsonField = library.func('const char *tokenlease_token_json_field(tokenlease_token *)');
const expiresAt = library.func('int64_t tokenlease_token_expires_at_ms(tokenlease_token *)');

/** Declares a function that can fail as one that returns a promise: it blocks a thread of Node's pool. */
function promising(declaration) {
  const call = promisify(library.func(`int tokenlease_${declaration}, _Out_ tokenlease_error **)`).async);
  return async (...values) => {
    const error = [null];
    if ((await call(...values, error)) === 0) return;
    const message = errorMessage(error[0]);
    free.error(error[0]);
    throw new Error(message);
  };
}

const configNew = promising('config_new(_Out_ tokenlease_config **');
const loadEnvironment = promising('config_load_environment(tokenlease_config *');
const setPassword = promising('config_set_password(tokenlease_config *, const char *, size_t');
const clientNew = promising('client_new(tokenlease_config *, void *, _Out_ tokenlease_client **');
const clientToken = promising('client_token(tokenlease_client *, void *, _Out_ tokenlease_token **');
const readAnswer = promising('client_read_answer(tokenlease_client *, int, const char *, size_t, _Out_ int *');
const reportRejected = promising(
  'client_report_rejected(tokenlease_client *, tokenlease_token *, void *, _Out_ tokenlease_token **');
const revokeToken = promising('client_revoke(tokenlease_client *, tokenlease_token *, void *, _Out_ bool *');

/** Passes the handle that a call returns to a function, and frees it when the function's promise is settled. */
async function using(kind, get, use) {
  const handle = [null];
  try {
    await get(handle);
    return await use(handle[0]);
  } finally {
    free[kind](handle[0]);
  }
}

/** Makes a client from the environment and a password, and passes it to a function. */
function withClient(password, use) {
  return using('client', (client) => using('config', configNew, async (config) => {
    await loadEnvironment(config);
    await setPassword(config, password, Buffer.byteLength(password));
    await clientNew(config, null, client);
  }), use);
}

/** Calls `send` with a token, and once more if the API rejected it. */
function call(client, send) {
  return using('token', (token) => clientToken(client, null, token), async (token) => {
    const [answer, meaning] = [await send(token), [0]];
    await readAnswer(client, answer.status, answer.body, Buffer.byteLength(answer.body), meaning);
    if (meaning[0] === 0) return answer;
    return using('token', (next) => reportRejected(client, token, null, next),
      (next) => (next ? send(next) : answer));
  });
}

async function callApi(client, url) {
  let attempts = 0;
  const answer = await call(client, async (token) => {
    attempts++;
    const field = jsonField(token);
    const response = await fetch(url, field
      ? { method: 'POST', body: `{"Text":"hello",${field}}`, headers: { 'Content-Type': 'application/json' } }
      : { headers: { Authorization: authorization(token) } });
    return { status: response.status, body: await response.text() };
  });
  return `HTTP ${answer.status}, attempts: ${attempts}, ${answer.body}`;
}

function revoke(client) {
  return using('token', (token) => clientToken(client, null, token), async (token) => {
    await revokeToken(client, token, null, [false]);
    return `revoked a token that expires at ${expiresAt(token)}`;
  });
}

await withClient(process.env.PASSWORD, async (client) => {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = line === 'revoke' ? revoke(client) : callApi(client, line);
    console.log(await answer.catch((error) => `error: ${error.message}`));
  }
});
