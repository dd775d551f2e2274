// oidc-provider with the password grant, at the paths of Wyn Enterprise, and an API that takes its
// tokens. Usage: NODE_PREFIX=FOLDER node server.mjs PORT. It ends when its standard input ends.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { timingSafeEqual } from 'node:crypto';

const port = Number(process.argv[2] ?? 5001);
const base = process.env.NODE_PREFIX ?? import.meta.dirname;
const mod = await import(pathToFileURL(createRequire(join(base, 'x.js')).resolve('oidc-provider')).href);
const { default: Provider, errors } = mod;

const USERS = new Map([
  ['admin', 'admin-password'],
  ['ø+&% 😀', 'p ø+&%=😀"ü'],
]);
const eq = (a, b) => { const x = Buffer.from(a), y = Buffer.from(b); return x.length === y.length && timingSafeEqual(x, y); };

const client = (client_id, client_secret, extra = {}) => ({
  client_id, client_secret, grant_types: ['password', 'refresh_token'], redirect_uris: [], response_types: [],
  token_endpoint_auth_method: 'client_secret_post', ...extra,
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client('integration', 'integration-secret-0123456789abcdef'),
    client('special', 's+e&c %r=t:/"x'),          // RFC 6749 VSCHAR only: oidc-provider refuses non-ASCII secrets
    client('other', 'other-secret-0123456789abcdef'),
    client('nogrant', 'nogrant-secret-0123456789', { grant_types: ['client_credentials'] }),
  ],
  scopes: ['api', 'openid', 'offline_access'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  routes: {
    token: '/connect/token', revocation: '/connect/revocation', introspection: '/connect/introspect',
    userinfo: '/connect/userinfo', authorization: '/connect/authorize', jwks: '/connect/jwks',
  },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  cookies: { keys: ['testbed-only'] },
  ttl: { AccessToken: (ctx, token) => token._ttl ?? 3600, Grant: 86400 },
  findAccount: (ctx, sub) => (USERS.has(sub) ? { accountId: sub, claims: async () => ({ sub }) } : undefined),
});

provider.registerGrantType('password', async (ctx) => {
  const { params, client } = ctx.oidc;
  const { username, password } = params;
  if (username === undefined || password === undefined) {
    throw new errors.InvalidRequest('missing required parameter(s) username/password');
  }
  if (!USERS.has(username) || !eq(USERS.get(username), password)) {
    throw new errors.InvalidGrant('invalid username or password');
  }
  const scope = (params.scope ?? 'api').split(' ').filter(Boolean);
  for (const s of scope) if (!['api', 'openid'].includes(s)) throw new errors.InvalidScope('requested scope is not allowed', s);
  const life = params['access-token-lifetime'] ?? '3600';
  if (!/^\d{1,6}$/.test(life)) throw new errors.InvalidRequest('access-token-lifetime must be a number of seconds');
  const grant = new provider.Grant({ accountId: username, clientId: client.clientId });
  grant.addOIDCScope(scope.join(' '));
  const grantId = await grant.save();
  const at = new provider.AccessToken({ accountId: username, client, grantId, gty: 'password', scope: scope.join(' ') });
  at._ttl = Number(life);                            // picked up by the ttl helper above
  ctx.oidc.entity('AccessToken', at);
  const value = await at.save(Number(life));
  ctx.body = { access_token: value, expires_in: Number(life), token_type: at.tokenType, scope: at.scope };
}, ['username', 'password', 'scope', 'tenant_path', 'access-token-lifetime']);

provider.on('server_error', (ctx, err) => console.error('server_error', err));

// The check of a resource server (RFC 6750 section 3).
async function whoami(request, response) {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const found = token && await provider.AccessToken.find(token);
  if (!found) {
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ user: found.accountId }));
}

const others = provider.callback();
createServer((request, response) => (
  request.url === '/api/whoami' ? whoami(request, response) : others(request, response)
)).listen(port, '127.0.0.1');
process.stdin.on('end', () => process.exit()).resume();
