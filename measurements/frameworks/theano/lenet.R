# LeNet in R, through Theano's Python interface.
#
# Theano has no R package. Its expressions are Python objects, and R has no operators for those:
# T$add stands for +, and `__getitem__` for [ ].
#
# R brings a BLAS of its own into the process, and whatever Theano compiles would find its functions
# first. RTLD_DEEPBIND makes each module look first in the BLAS that it was linked with.

builtins <- import_builtins(convert = FALSE)
os <- import("os")
import("sys")$setdlopenflags(bitwOr(os$RTLD_NOW, os$RTLD_DEEPBIND))
np <- import("numpy", convert = FALSE)
theano <- import("theano", convert = FALSE)
T <- import("theano.tensor", convert = FALSE)
nnet <- import("theano.tensor.nnet", convert = FALSE)

everything <- builtins$slice(NULL)
even <- builtins$slice(0L, NULL, 2L)
odd <- builtins$slice(1L, NULL, 2L)

# Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient. Theano's own
# pool_2d gives it to both (https://github.com/Theano/Theano/issues/5404).
max_pool <- function(images) {
  columns <- function(which) images$`__getitem__`(tuple(everything, everything, everything, which))
  wider <- T$maximum(columns(even), columns(odd))
  rows <- function(which) wider$`__getitem__`(tuple(everything, everything, which))
  T$maximum(rows(even), rows(odd))
}

convolution <- function(images, weight, bias) {
  # filter_flip=False: cross-correlation, as everybody else computes it.
  layer <- nnet$conv2d(images, weight, filter_flip = FALSE)
  T$add(layer, bias$dimshuffle("x", 0L, "x", "x"))
}

lenet <- function(parameters, settings) {
  weights <- lapply(parameters, theano$shared)

  images <- T$tensor4("images")
  labels <- T$ivector("labels")
  layer <- max_pool(T$tanh(convolution(images, weights$conv1_weight, weights$conv1_bias)))
  layer <- max_pool(T$tanh(convolution(layer, weights$conv2_weight, weights$conv2_bias)))
  layer <- T$dot(layer$flatten(2L), weights$dense1_weight)
  layer <- T$tanh(T$add(layer, weights$dense1_bias))
  scores <- T$add(T$dot(layer, weights$dense2_weight), weights$dense2_bias)
  loss <- T$mean(nnet$categorical_crossentropy(nnet$softmax(scores), labels))

  rate <- np$float32(settings$learning_rate)
  gradients <- T$grad(loss, unname(weights))
  updates <- lapply(seq_along(weights), function(place) {
    gradient <- gradients$`__getitem__`(place - 1L)
    tuple(weights[[place]], T$sub(weights[[place]], T$mul(rate, gradient)))
  })
  train <- theano$`function`(list(images, labels), loss, updates = updates)

  list(
    step = function(images, labels) {
      py_to_r(train$`__call__`(images, labels$astype("int32"))$item())
    },
    parameters = function() lapply(weights, function(weight) weight$get_value())
  )
}
