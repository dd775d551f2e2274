// @node-oauth/oauth2-server with the password grant, and an API that takes its tokens. It has no
// revocation and no introspection. Usage: NODE_PREFIX=FOLDER node server.mjs PORT. It ends when its
// standard input ends.
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.NODE_PREFIX, 'x.js'));
const OAuth2Server = require('@node-oauth/oauth2-server');

const same = (a, b) => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
};
const users = new Map([['admin', 'admin-password'], ['ø+&% x', 'p ø+&%="ü']]);
const clients = new Map([
  ['integration', ['integration-secret-0123456789abcdef', 'password']],
  ['other', ['other-secret-0123456789abcdef', 'password']],
  ['special', ['s+e&c %r=t:/"x', 'password']],
  ['special8', ['s+e&c %r=t:/"xø😀', 'password']],
  ['nogrant', ['nogrant-secret-0123456789', 'client_credentials']],
]);
const tokens = new Map();

const server = new OAuth2Server({
  model: {
    getClient(id, secret) {
      const [known, grant] = clients.get(id) ?? [];
      return known !== undefined && secret && same(known, secret) && { id, grants: [grant] };
    },
    getUser(name, password) {
      return users.has(name) && same(users.get(name), password) && { name };
    },
    validateScope(user, client, scope) {
      return (scope ?? ['api']).every((word) => word === 'api') && ['api'];
    },
    saveToken(token, client, user) {
      const saved = { ...token, client, user };
      tokens.set(token.accessToken, saved);
      return saved;
    },
    getAccessToken: (text) => tokens.get(text),
    getUserFromClient: (client) => ({ name: client.id }),
  },
  accessTokenLifetime: 3600,
});

async function form(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return {};
  return Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
  const { headers, method } = request;
  const query = Object.fromEntries(searchParams);
  const asked = new OAuth2Server.Request({ headers, method, query, body: await form(request) });
  const answered = new OAuth2Server.Response({});
  let body = {};
  try {
    if (pathname === '/oauth/token') {
      await server.token(asked, answered);
      body = answered.body;
    } else if (pathname === '/api/whoami') {
      body = { user: (await server.authenticate(asked, answered)).user.name };
    } else {
      answered.status = 404;
    }
  } catch (error) {
    answered.status = error.code ?? 500;
    body = { error: error.name, error_description: error.message };
  }
  response.writeHead(answered.status, { ...answered.headers, 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

createServer(answer).listen(Number(process.argv[2]), '127.0.0.1');
process.stdin.on('end', () => process.exit()).resume();
