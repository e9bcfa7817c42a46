-- A stand-in for the module of this name: what our scripts call of it, short and slow. For tests.
require 'torch'

local function like(tensor)
  return torch.FloatTensor(tensor.shape)
end

-- A class of modules: forward(x), backward(x, g) -> gradient of x, and with weights
-- accumulate(x, g, weight, bias, scale), which adds scale times their gradients.
local function class(new)
  local methods = {accumulate = function() end}
  methods.__index = methods
  return methods, function(...)
    return setmetatable(new(...), methods)
  end
end

local function weighted(made, ...)
  made.weight, made.gradWeight = torch.FloatTensor {...}, torch.FloatTensor {...}
  made.bias, made.gradBias = torch.FloatTensor {(...)}, torch.FloatTensor {(...)}
  return made
end

local convolution, SpatialConvolutionMM = class(function(planes, filters, size, _, _, _, pad)
  local made = {planes = planes, filters = filters, size = size, pad = pad or 0}
  return weighted(made, filters, planes, size, size)
end)

-- Calls take(place in x, place in y, place in weight, count, ...) for each row that meets a weight.
function convolution:rows(x, take, ...)
  local planes, filters, size, pad = self.planes, self.filters, self.size, self.pad
  local high, wide = x.shape[3], x.shape[4]
  local up, across = high + 2 * pad - size + 1, wide + 2 * pad - size + 1
  for image = 0, x.shape[1] - 1 do
    for filter = 0, filters - 1 do
      for plane = 0, planes - 1 do
        for place = 0, size * size - 1 do
          local dy, dx = math.floor(place / size) - pad, place % size - pad
          local from, to = math.max(0, -dx), math.min(across, wide - dx)
          local weight = (filter * planes + plane) * size * size + place
          for row = math.max(0, -dy), math.min(up, high - dy) - 1 do
            take(
              ((image * planes + plane) * high + row + dy) * wide + from + dx,
              ((image * filters + filter) * up + row) * across + from, weight, to - from, ...
            )
          end
        end
      end
    end
  end
end

local function spread(x, y, weight, count, from, to, weights)
  for index = 0, count - 1 do
    to[y + index] = to[y + index] + weights[weight] * from[x + index]
  end
end

local function gather(x, y, weight, count, to, from, weights)
  spread(y, x, weight, count, from, to, weights)
end

local function meet(x, y, weight, count, from, gradient, weights, scale)
  local sum = 0
  for index = 0, count - 1 do
    sum = sum + gradient[y + index] * from[x + index]
  end
  weights[weight] = weights[weight] + scale * sum
end

function convolution:forward(x)
  local lost = self.size - 1 - 2 * self.pad
  local y = torch.FloatTensor {x.shape[1], self.filters, x.shape[3] - lost, x.shape[4] - lost}
  local area = y.shape[3] * y.shape[4]
  for index = 0, y.count - 1 do
    y.place[index] = self.bias.place[math.floor(index / area) % self.filters]
  end
  self:rows(x, spread, x.place, y.place, self.weight.place)
  return y
end

function convolution:backward(x, g)
  local gradient = like(x)
  self:rows(x, gather, gradient.place, g.place, self.weight.place)
  return gradient
end

function convolution:accumulate(x, g, weight, bias, scale)
  self:rows(x, meet, x.place, g.place, weight.place, scale)
  local area = g.shape[3] * g.shape[4]
  for index = 0, g.count - 1 do
    local filter = math.floor(index / area) % self.filters
    bias.place[filter] = bias.place[filter] + scale * g.place[index]
  end
end

local linear, Linear = class(function(inputs, outputs)
  return weighted({inputs = inputs, outputs = outputs}, outputs, inputs)
end)

function linear:forward(x)
  local y = torch.FloatTensor {x.shape[1], self.outputs}
  for index = 0, y.count - 1 do
    local row, output = math.floor(index / self.outputs) * self.inputs, index % self.outputs
    local sum = self.bias.place[output]
    for input = 0, self.inputs - 1 do
      sum = sum + x.place[row + input] * self.weight.place[output * self.inputs + input]
    end
    y.place[index] = sum
  end
  return y
end

function linear:backward(x, g)
  local gradient = like(x)
  for index = 0, g.count - 1 do
    local row, output = math.floor(index / self.outputs) * self.inputs, index % self.outputs
    spread(output * self.inputs, row, index, self.inputs, self.weight.place, gradient.place, g.place)
  end
  return gradient
end

function linear:accumulate(x, g, weight, bias, scale)
  for index = 0, g.count - 1 do
    local row, output = math.floor(index / self.outputs) * self.inputs, index % self.outputs
    local gradient = scale * g.place[index]
    for input = 0, self.inputs - 1 do
      local place = output * self.inputs + input
      weight.place[place] = weight.place[place] + gradient * x.place[row + input]
    end
    bias.place[output] = bias.place[output] + gradient
  end
end

local tanh, Tanh = class(function() return {} end)

function tanh:forward(x)
  self.y = like(x)
  for index = 0, x.count - 1 do
    self.y.place[index] = math.tanh(x.place[index])
  end
  return self.y
end

function tanh:backward(x, g)
  local gradient = like(x)
  for index = 0, x.count - 1 do
    gradient.place[index] = g.place[index] * (1 - self.y.place[index] ^ 2)
  end
  return gradient
end

local pooling, SpatialMaxPooling = class(function() return {} end)

function pooling:forward(x)
  local y = torch.FloatTensor {x.shape[1], x.shape[2], x.shape[3] / 2, x.shape[4] / 2}
  self.from = {}
  for index = 0, y.count - 1 do
    local row, column = math.floor(index / y.shape[4]), index % y.shape[4]
    local best = 2 * row * x.shape[4] + 2 * column
    for _, place in ipairs {best + 1, best + x.shape[4], best + x.shape[4] + 1} do
      best = x.place[place] > x.place[best] and place or best
    end
    y.place[index], self.from[index] = x.place[best], best
  end
  return y
end

function pooling:backward(x, g)
  local gradient = like(x)
  for index = 0, g.count - 1 do
    gradient.place[self.from[index]] = g.place[index]
  end
  return gradient
end

local view, View = class(function() return {} end)

function view:setNumInputDims()
  return self
end

local function shaped(tensor, shape)
  local made = torch.FloatTensor(shape)
  made.place = tensor.place
  return made
end

function view:forward(x)
  return shaped(x, {x.shape[1], x.count / x.shape[1]})
end

function view:backward(x, g)
  return shaped(g, x.shape)
end

local criterion, CrossEntropyCriterion = class(function() return {} end)

function criterion:forward(scores, labels)
  local count, loss = scores.shape[2], 0
  self.gradient = like(scores)
  for row = 0, scores.shape[1] - 1 do
    local sum, class_ = 0, tonumber(labels.place[row]) - 1
    for column = 0, count - 1 do
      sum = sum + math.exp(scores.place[row * count + column])
    end
    for column = 0, count - 1 do
      local place = row * count + column
      local share = math.exp(scores.place[place]) / sum
      local hit = column == class_ and 1 or 0
      self.gradient.place[place] = (share - hit) / scores.shape[1]
      loss = loss - hit * math.log(share) / scores.shape[1]
    end
  end
  return loss
end

function criterion:backward()
  return self.gradient
end

local sequential, Sequential = class(function() return {modules = {}} end)

function sequential:add(module)
  table.insert(self.modules, module)
  return self
end

function sequential:get(index)
  return self.modules[index]
end

function sequential:parameters()
  local weights, gradients = {}, {}
  for _, module in ipairs(self.modules) do
    if module.weight then
      weights[#weights + 1], gradients[#gradients + 1] = module.weight, module.gradWeight
      weights[#weights + 1], gradients[#gradients + 1] = module.bias, module.gradBias
    end
  end
  return weights, gradients
end

function sequential:forward(x)
  self.inputs = {}
  for place, module in ipairs(self.modules) do
    self.inputs[place] = x
    x = module:forward(x)
  end
  self.output = x
  return x
end

-- Into the gradients, or with a rate into the weights themselves.
local function back(self, g, rate)
  for place = #self.modules, 1, -1 do
    local module, x = self.modules[place], self.inputs[place]
    local gradient = module:backward(x, g)
    if rate then
      module:accumulate(x, g, module.weight, module.bias, -rate)
    else
      module:accumulate(x, g, module.gradWeight, module.gradBias, 1)
    end
    g = gradient
  end
end

function sequential:backward(_, g)
  back(self, g)
end

function sequential:backwardUpdate(_, g, rate)
  back(self, g, rate)
end

function sequential:zeroGradParameters()
  for _, gradient in ipairs(select(2, self:parameters())) do
    require('ffi').fill(gradient.place, gradient.count * 4)
  end
end

function sequential:updateParameters(rate)
  local weights, gradients = self:parameters()
  for place, weight in ipairs(weights) do
    spread(0, 0, 1, weight.count, gradients[place].place, weight.place, {-rate})
  end
end

nn = {
  Sequential = Sequential, SpatialConvolutionMM = SpatialConvolutionMM, Tanh = Tanh,
  SpatialMaxPooling = SpatialMaxPooling, View = View, Linear = Linear,
  CrossEntropyCriterion = CrossEntropyCriterion,
}

return nn
