-- One step of `RedisStore`, told as JSON in ARGV[1], answered as JSON. Its constants are put before it.
-- The steps mean what they mean in sqlite.py; the comments there say why.

local call = redis.call
local step = cjson.decode(ARGV[1])
local now = step.now
if not now then
  local time = call('TIME')
  now = time[1] + time[2] / 1000000
end

-- `account` holds the time of a recent step and what the last answer told of the hour.
-- All windows that are known have keys; those that the step is about come first and have a limit and a span.
local account, known = KEYS[1], {}
for i = 1, (#KEYS - 1) / 4 do
  local w = step.windows[i] or {}
  w.away, w.settled, w.foreign, w.closure = KEYS[4 * i - 2], KEYS[4 * i - 1], KEYS[4 * i], KEYS[4 * i + 1]
  known[i] = w
end

-- Nothing is left for ever; what another process wanted to keep for longer is.
local function keep(key, seconds)
  local left = math.ceil(seconds / step.pace) + MARGIN
  if call('TTL', key) < left then call('EXPIRE', key, left) end
end

local function earlier(key, field, by)
  local time = call('HGET', key, field)
  if time then call('HSET', key, field, time - by) end
end

-- A clock that was set back takes all times along: else nothing were free before it has caught up.
local function set_back(by)
  for _, w in ipairs(known) do
    for _, key in ipairs({w.away, w.settled, w.foreign}) do
      local found = call('ZRANGE', key, 0, -1, 'WITHSCORES')
      for i = 1, #found, 2 do call('ZADD', key, found[i + 1] - by, found[i]) end
    end
    earlier(w.closure, 'until', by)
    earlier(w.closure, 'probe_until', by)
  end
  earlier(account, 'at', by)
end

local function settle_time()
  local latest = tonumber(call('HGET', account, 'latest') or now)
  -- A step that was sent first may arrive last; its clock was not set back.
  if now < latest and latest - now < JITTER * step.pace then now = latest end
  if now < latest then set_back(latest - now) end
  -- To the second, so that most steps write nothing for it.
  if now < latest or now - latest >= 1 or call('EXISTS', account) == 0 then
    call('HSET', account, 'latest', now)
    keep(account, LONGEST_CLOSURE)
  end
end

local function place(key, seconds, member)
  call('ZADD', key, now + seconds, member)
  keep(key, seconds)
end

local function forget()
  for _, w in ipairs(known) do
    for _, key in ipairs({w.away, w.settled, w.foreign}) do call('ZREMRANGEBYSCORE', key, '-inf', now) end
  end
end

local function taken(w) return call('ZCARD', w.away) + call('ZCARD', w.settled) end

-- Requests whose answer may still come: a place without its hold is what a crash left.
local function on_way(w) return call('ZCARD', w.away) - call('ZCOUNT', w.away, '-inf', now + w.span) end

-- When the taken place with this index (from 0, the first to be free first) is free.
local function free_at(w, index)
  -- What crashes left, one by one: it lies among those that are settled.
  local left, passed = call('ZRANGEBYSCORE', w.away, '-inf', now + w.span, 'WITHSCORES'), 0
  for i = 2, #left, 2 do
    local rank = passed + call('ZCOUNT', w.settled, '-inf', left[i])
    if index == rank then return tonumber(left[i]) end
    if index < rank then break end
    passed = passed + 1
  end
  index = index - passed
  -- A request on its way counts as if it were answered now.
  local sooner, away = call('ZCOUNT', w.settled, '-inf', now + w.span), on_way(w)
  if index >= sooner and index < sooner + away then return now + w.span end
  if index >= sooner then index = index - away end
  return tonumber(call('ZRANGE', w.settled, index, index, 'WITHSCORES')[2])
end

-- windows.opening
local function opening(w, ahead)
  local count = taken(w)
  local free = math.max(0, w.limit - count)
  local turn, index = math.floor(ahead / w.limit), ahead % w.limit
  local time = now
  if index >= free then time = free_at(w, index - free + math.max(0, count - w.limit)) end
  return math.max(now, time) + turn * w.span
end

local function held(w, delay) return {granted = false, delay = delay, window = w.name} end

local function full(w)
  local count = taken(w)
  if count + HIDDEN * on_way(w) < w.limit then return nil end
  if count < w.limit then return held(w, SOON) end
  return held(w, math.max(SOON, opening(w, 0) - now))
end

local function closure(w) return tonumber(call('HGET', w.closure, 'until') or 0) end

local function closed(w)
  local opens, found = closure(w), call('HMGET', w.closure, 'probe', 'probe_until')
  if now < opens then return held(w, opens - now) end
  if found[1] and now < tonumber(found[2]) then return held(w, SOON) end
  return nil
end

-- Seconds until the window's own reset, if the answer tells.
local function reset(w, seen)
  local seconds = w.name == HOUR and seen.reset_in or 0
  return seconds > 0 and seconds <= w.span and seconds or nil
end

local function close(w, seconds)
  if seconds <= 0 then
    -- The refused request itself is among them, and is settled for a whole window.
    local oldest = call('ZRANGE', w.settled, 0, 0, 'WITHSCORES')[2]
    seconds = oldest and math.min(oldest - now, w.span) or w.span
  end
  seconds = math.min(math.max(seconds, SOON), LONGEST_CLOSURE)
  call('HSET', w.closure, 'until', math.max(closure(w), now + seconds))
  call('HDEL', w.closure, 'probe')
  keep(w.closure, seconds)
end

local function add_foreign(w, seconds, count)
  for i = 1, count do
    local member = step.nonce .. ':' .. i
    place(w.settled, seconds, member)
    place(w.foreign, seconds, member)
  end
end

local function foreign_minute(extra)
  for _, w in ipairs(step.windows) do
    if w.name == MINUTE then add_foreign(w, w.span, math.min(extra, w.limit - taken(w))) end
  end
end

-- How many requests TaskIP counts more than at the last answer; 0 if that one is too old for the minute.
local function observe(used)
  local found = call('HMGET', account, 'at', 'used')
  call('HSET', account, 'at', now, 'used', used)
  return found[1] and now - found[1] <= RECENT and used - found[2] or 0
end

local function learn(seen)
  for _, w in ipairs(step.windows) do
    if w.name == HOUR then
      local used = math.max(seen.limit or 0, w.limit) - seen.remaining
      local grown = observe(used)
      local extra = math.min(used, w.limit) - taken(w)
      add_foreign(w, reset(w, seen) or w.span, extra)
      foreign_minute(math.min(extra, grown))
    end
  end
end

local steps = {}

function steps.take()
  forget()
  for _, w in ipairs(step.windows) do
    local refused = closed(w) or full(w)
    if refused then return refused end
  end
  for _, w in ipairs(step.windows) do
    if call('EXISTS', w.closure) == 1 then
      call('HSET', w.closure, 'probe', step.grant, 'probe_until', now + PROBE)
      keep(w.closure, PROBE)
    end
    place(w.away, step.hold + w.span, step.grant)
  end
  return {granted = true}
end

function steps.give_back()
  for _, w in ipairs(known) do
    call('ZREM', w.away, step.grant)
    call('ZREM', w.settled, step.grant)
    if call('HGET', w.closure, 'probe') == step.grant then call('HDEL', w.closure, 'probe') end
  end
end

function steps.settle()
  local grant, seen = step.grant, step.seen
  for _, w in ipairs(step.windows) do
    local there = call('ZREM', w.away, grant) == 1 or call('ZSCORE', w.settled, grant)
    if there then place(w.settled, w.span + (seen.late or 0), grant) end
  end
  forget()
  for _, w in ipairs(step.windows) do
    if w.name == seen.closed then
      local seconds = seen.closed_for or 0
      close(w, seconds == 0 and reset(w, seen) or seconds)
    end
  end
  for _, w in ipairs(known) do
    if call('HGET', w.closure, 'probe') == grant then call('DEL', w.closure) end
  end
  if seen.remaining then learn(seen) end
end

function steps.wait()
  forget()
  local longest = {granted = true, delay = 0}
  for _, w in ipairs(step.windows) do
    local delay = math.max(opening(w, step.ahead), closure(w)) - now
    if delay > longest.delay then longest = held(w, delay) end
  end
  return longest
end

function steps.show()
  forget()
  local states = {}
  for i, w in ipairs(step.windows) do
    local delay = math.max(opening(w, 0), closure(w)) - now
    states[i] = {used = taken(w), foreign = call('ZCARD', w.foreign), opens_in = math.max(0, delay)}
  end
  return states
end

settle_time()
return cjson.encode(steps[step.name]() or {})
