//! The Redis scripts. Each runs atomically on the server.

use ::redis::Script;

const LOAD: &str = r"
local time = redis.call('TIME')
local record = redis.call('HMGET', KEYS[1], 'r', 'd')
return {time[1], time[2], record[1], record[2]}
";

// A revision is the time in microseconds, or the last revision plus 1 if that is more. So none is
// used twice, even if the key expired meanwhile.
const SWAP: &str = r"
local time = redis.call('TIME')
local record = redis.call('HMGET', KEYS[1], 'r', 'd')
if (record[1] or '') ~= ARGV[1] then
    return {time[1], time[2], record[1], record[2], 0}
end
local revision = time[1] * 1000000 + time[2]
if record[1] then
    revision = math.max(revision, tonumber(record[1]) + 1)
end
revision = string.format('%.0f', revision)
redis.call('HSET', KEYS[1], 'r', revision, 'd', ARGV[2])
if ARGV[3] == '' then
    redis.call('PERSIST', KEYS[1])
else
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {time[1], time[2], revision, false, 1}
";

const LOCK: &str = r"
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

const RENEW: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
";

const UNLOCK: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
return 1
";

/// The scripts. The server caches each one after its first run.
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) swap: Script,
    pub(super) lock: Script,
    pub(super) renew: Script,
    pub(super) unlock: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            load: Script::new(LOAD),
            swap: Script::new(SWAP),
            lock: Script::new(LOCK),
            renew: Script::new(RENEW),
            unlock: Script::new(UNLOCK),
        }
    }
}
