-- What HAProxy 2.6 has no rule for: letting requests of a held service wait, dropping headers that Connection names,
-- and counting a body that announces no length. All of it runs only for requests that need it.

local pools = Map.new(os.getenv("ROADSTEAD_POOLS"), Map._str)
local waiting = {}
local most_waiting = 4096
local poll_ms = 15

local function held_seconds(index)
  local value = pools:lookup(index)
  if value == nil then return nil end
  local hold, seconds = string.match(value, "^[^|]*|[^|]*|([^|]*)|([^|]*)|")
  if hold == "1" then return tonumber(seconds) end
  return nil
end

local function milliseconds()
  local now = core.now()
  return now.sec * 1000 + math.floor(now.usec / 1000)
end

-- Waits until the pool is released; sets txn.hold_over when it was not in time, or too many wait already.
core.register_action("roadstead_hold", { "http-req", "tcp-req" }, function(txn)
  local index = txn.f:be_name()
  local count = waiting[index] or 0
  if count >= most_waiting then
    txn:set_var("txn.hold_over", true)
    return
  end
  waiting[index] = count + 1
  local began = milliseconds()
  local over = false
  while not over do
    local seconds = held_seconds(index)
    if seconds == nil then break end
    over = milliseconds() - began >= seconds * 1000
    if not over then core.msleep(poll_ms) end
  end
  waiting[index] = waiting[index] - 1
  if over then txn:set_var("txn.hold_over", true) end
end, 0)

-- Headers that Connection names belong to this hop alone (RFC 9110, 7.6.1); HAProxy knows only the usual ones.
core.register_action("roadstead_own_hop", { "http-req" }, function(txn)
  for _, value in pairs(txn.http:req_get_headers()["connection"] or {}) do
    for name in string.gmatch(string.lower(value), "[^,%s]+") do
      if name ~= "keep-alive" and name ~= "close" and name ~= "upgrade" and name ~= "host" then
        txn.http:req_del_header(name)
      end
    end
  end
end, 0)

-- Counts the body of one request against txn.body_limit. HAProxy 2.6 ignores what http_payload returns: raising an
-- error is the way that ends the request, and the backend turns the answer into 413.
local BodyLimit = { id = "roadstead_body_limit", flags = filter.FLT_CFG_FL_HTX }
BodyLimit.__index = BodyLimit

function BodyLimit:new()
  return setmetatable({ seen = 0 }, BodyLimit)
end

function BodyLimit:start_analyze(txn, channel)
  if channel:is_resp() then return end
  self.limit = tonumber(txn:get_var("txn.body_limit"))
  if self.limit ~= nil then filter.register_data_filter(self, channel) end
end

function BodyLimit:http_payload(txn, message)
  self.seen = self.seen + message:input()
  -- The end of the body counts as one more.
  if self.seen > self.limit + 1 then
    txn:set_var("txn.too_large", true)
    error("request body over the limit of its route")
  end
end

core.register_filter("roadstead_body_limit", BodyLimit, function(flt) return flt end)
