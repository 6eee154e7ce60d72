-- Calls as the vendor makes them, each about another order, for wrk.
-- wrk -s callbacks.lua URL -- ROUND

local threads = 0

function setup(thread)
  thread:set("thread_id", threads)
  threads = threads + 1
end

function init(args)
  calls = 0
  prefix = string.format(
    "/callback?key=AppKey&orderNo=DDMON%02d%02d", tonumber(args[1]) or 0, thread_id)
end

function request()
  calls = calls + 1
  return wrk.format("GET", string.format(
    "%s%010d&downloadUrl=http%%3A%%2F%%2Fpro-files.qichacha.com%%2FDdMonitor%%2Fx.zip%%3FExpires%%3D1"
    .. "&downloadUrlExpiredTime=2026-11-25%%2020%%3A19%%3A00&unzipPassword=XXXXXXXXXX", prefix, calls))
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("measured %d %d %d %d %d %d\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
