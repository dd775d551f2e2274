// openid-client, unmodified, as a client of `tokenlease serve`.
import assert from "node:assert";
import * as client from "openid-client";

const { SERVER, API, PROFILE, CLIENT_ID, CLIENT_SECRET } = process.env;
// The library requires https, also for loopback, unless this is set.
const config = await client.discovery(
  new URL(SERVER),
  CLIENT_ID,
  undefined,
  client.ClientSecretBasic(CLIENT_SECRET),
  { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
);
const token = await client.clientCredentialsGrant(config, { scope: PROFILE });
assert(token.expiresIn() > 60, "its life");
const again = await client.clientCredentialsGrant(config, { scope: PROFILE });
assert.equal(again.access_token, token.access_token);
const me = await client.fetchProtectedResource(config, token.access_token, new URL(API), "GET");
assert.equal(me.status, 200);
const found = await client.tokenIntrospection(config, token.access_token);
assert.equal(found.active, true);
await client.tokenRevocation(config, token.access_token);
const after = await client.tokenIntrospection(config, token.access_token);
assert.equal(after.active, false);
await assert.rejects(
  client.clientCredentialsGrant(config, { scope: "nothing" }),
  (error) => error.error === "invalid_scope",
);
console.log(token.access_token);
