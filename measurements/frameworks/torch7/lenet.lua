-- LeNet as users of Torch write it: modules of nn in a Sequential, and a training step.
-- https://github.com/torch/nn/blob/master/doc/training.md
require 'torch'
require 'nn'

local lenet = {}

-- Returns the network; `deep` counts the 3x3 convolutions between second pooling and flattening.
function lenet.network(deep)
  local net = nn.Sequential()
  net:add(nn.SpatialConvolutionMM(1, 20, 5, 5))
  net:add(nn.Tanh())
  net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
  net:add(nn.SpatialConvolutionMM(20, 50, 5, 5))
  net:add(nn.Tanh())
  net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
  for _ = 1, deep do
    net:add(nn.SpatialConvolutionMM(50, 50, 3, 3, 1, 1, 1, 1))
    net:add(nn.Tanh())
  end
  net:add(nn.View(-1):setNumInputDims(3))
  net:add(nn.Linear(50 * 4 * 4, 500))
  net:add(nn.Tanh())
  net:add(nn.Linear(500, 10))
  -- Nobody asks for the gradient of the images: https://github.com/torch/nn/pull/433
  net:get(1).gradInput = nil
  return net
end

-- One step of SGD as the documentation of nn writes it; returns the loss before it.
function lenet.loop(net, criterion, images, labels, rate)
  local loss = criterion:forward(net:forward(images), labels)
  net:zeroGradParameters()
  net:backward(images, criterion:backward(net.output, labels))
  net:updateParameters(rate)
  return loss
end

-- The same step as nn's own trainer takes it: gradients are added to the weights themselves.
-- https://github.com/torch/nn/blob/master/doc/module.md#accupdategradparametersinput-gradoutput-learningrate
function lenet.fused(net, criterion, images, labels, rate)
  local loss = criterion:forward(net:forward(images), labels)
  net:backwardUpdate(images, criterion:backward(net.output, labels), rate)
  return loss
end

-- Returns the class scores, images x 10, in batches: modules keep what the largest one needs.
function lenet.scores(net, images, batch)
  local scores = {}
  for place, part in ipairs(images:split(batch, 1)) do
    scores[place] = net:forward(part):clone()
  end
  return torch.cat(scores, 1)
end

return lenet
