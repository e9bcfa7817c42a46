# LeNet in R, through Lasagne's Python interface. Lasagne has no R package.
#
# R brings a BLAS of its own into the process, and whatever Theano compiles would find its functions
# first. RTLD_DEEPBIND makes each module look first in the BLAS that it was linked with.

os <- import("os")
import("sys")$setdlopenflags(bitwOr(os$RTLD_NOW, os$RTLD_DEEPBIND))
builtins <- import_builtins(convert = FALSE)
functools <- import("functools", convert = FALSE)
theano <- import("theano", convert = FALSE)
T <- import("theano.tensor", convert = FALSE)
lasagne <- import("lasagne", convert = FALSE)
layers <- lasagne$layers
nonlinearities <- lasagne$nonlinearities

everything <- builtins$slice(NULL)
even <- builtins$slice(0L, NULL, 2L)
odd <- builtins$slice(1L, NULL, 2L)

# Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient. Lasagne's own
# MaxPool2DLayer gives it to both (https://github.com/Theano/Theano/issues/5404).
MaximumPool <- PyClass("MaximumPool", inherit = layers$Layer, defs = list(
  get_output_shape_for = function(self, input_shape) {
    tuple(NULL, input_shape[[2]], input_shape[[3]] %/% 2L, input_shape[[4]] %/% 2L)
  },
  get_output_for = function(self, input) {
    columns <- function(which) input$`__getitem__`(tuple(everything, everything, everything, which))
    wider <- T$maximum(columns(even), columns(odd))
    rows <- function(which) wider$`__getitem__`(tuple(everything, everything, which))
    T$maximum(rows(even), rows(odd))
  }
))

# Convolution without flipped filters, as everybody else computes it.
cross_correlation <- functools$partial(T$nnet$conv2d, filter_flip = FALSE)

lenet <- function(parameters, settings) {
  convolution <- function(layer, name, filters) {
    layers$Conv2DLayer(
      layer, filters, 5L, convolution = cross_correlation, nonlinearity = nonlinearities$tanh,
      W = parameters[[paste0(name, "_weight")]], b = parameters[[paste0(name, "_bias")]]
    )
  }
  dense <- function(layer, name, units, nonlinearity) {
    layers$DenseLayer(
      layer, units, nonlinearity = nonlinearity,
      W = parameters[[paste0(name, "_weight")]], b = parameters[[paste0(name, "_bias")]]
    )
  }
  net <- layers$InputLayer(tuple(NULL, 1L, 28L, 28L))
  net <- MaximumPool(convolution(net, "conv1", 20L))
  net <- MaximumPool(convolution(net, "conv2", 50L))
  net <- dense(net, "dense1", 500L, nonlinearities$tanh)
  net <- dense(net, "dense2", 10L, nonlinearities$softmax)

  images <- T$tensor4("images")
  labels <- T$ivector("labels")
  probabilities <- layers$get_output(net, images)
  loss <- T$mean(lasagne$objectives$categorical_crossentropy(probabilities, labels))
  weights <- layers$get_all_params(net, trainable = TRUE)
  updates <- lasagne$updates$sgd(loss, weights, settings$learning_rate)
  train <- theano$`function`(list(images, labels), loss, updates = updates)

  list(
    step = function(images, labels) {
      py_to_r(train$`__call__`(images, labels$astype("int32"))$item())
    },
    parameters = function() {
      # Layer by layer, weight before bias: the canonical order, and the canonical layout.
      values <- layers$get_all_param_values(net)
      places <- seq_along(parameters) - 1L
      setNames(lapply(places, function(place) values$`__getitem__`(place)), names(parameters))
    }
  )
}
