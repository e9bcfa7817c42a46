-- A stand-in for the module of this name: what our scripts call of it, short and slow. For tests.
local ffi = require 'ffi'

local Tensor = {}
Tensor.__index = Tensor
local threads = 0

local function maker(kind)
  return function(shape)
    return setmetatable({kind = kind}, Tensor):resize(shape or {})
  end
end

function Tensor:resize(shape)
  self.shape, self.count = shape, 1
  for _, size in ipairs(shape) do
    self.count = self.count * size
  end
  self.place = ffi.new(self.kind .. '[?]', self.count)
  return self
end

function Tensor:data()
  return self.place
end

function Tensor:contiguous()
  return self
end

-- The first `count` items of the first dimension after `first`; they share their content.
local function part(tensor, first, count)
  local shape = {count, unpack(tensor.shape, 2)}
  local made = setmetatable({kind = tensor.kind}, Tensor):resize(shape)
  made.place, made.whole = tensor.place + first * made.count / count, tensor
  return made
end

function Tensor:split(count)
  local parts = {}
  for first = 0, self.shape[1] - 1, count do
    parts[#parts + 1] = part(self, first, math.min(count, self.shape[1] - first))
  end
  return parts
end

function Tensor:clone()
  return torch.cat {self}
end

function Tensor:add(value)
  for index = 0, self.count - 1 do
    self.place[index] = self.place[index] + value
  end
  return self
end

torch = {
  FloatTensor = maker('float'),
  LongTensor = maker('int64_t'),
  LongStorage = function(sizes) return sizes end,
  cat = function(parts)
    local count, shape = 0, {unpack(parts[1].shape)}
    for _, tensor in ipairs(parts) do
      count = count + tensor.shape[1]
    end
    shape[1] = count
    local whole, first = setmetatable({kind = parts[1].kind}, Tensor):resize(shape), 0
    for _, tensor in ipairs(parts) do
      local into = part(whole, first, tensor.shape[1])
      ffi.copy(into.place, tensor.place, tensor.count * ffi.sizeof(tensor.kind))
      first = first + tensor.shape[1]
    end
    return whole
  end,
  setdefaulttensortype = function() end,
  setnumthreads = function(count) threads = count end,
  getnumthreads = function() return threads end,
}

return torch
