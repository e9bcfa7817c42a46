# LeNet in R, through JAX's Python interface.
#
# JAX has no R package of its own. The functions below are R; jax.jit calls them once, with tracers
# in place of arrays, and from then on runs what it has compiled of them.

jax <- import("jax", convert = FALSE)
np <- import("numpy", convert = FALSE)
jnp <- jax$numpy
lax <- jax$lax

lenet <- function(parameters, settings) {
  convolve <- function(images, weight, bias) {
    sums <- lax$conv(images, weight, tuple(1L, 1L), "VALID")
    jnp$tanh(jnp$add(sums, bias$reshape(-1L, 1L, 1L)))
  }
  max_pool <- function(images) {
    block <- tuple(1L, 1L, 2L, 2L)
    lax$reduce_window(images, -Inf, lax$max, block, block, "VALID")
  }
  dense <- function(rows, weight, bias) jnp$add(jnp$matmul(rows, weight), bias)

  # JAX calls this from Python: without conversion its tracers arrive as they are.
  loss_function <- r_to_py(function(weights, images, labels) {
    w <- function(name) weights$`__getitem__`(name)
    layer <- max_pool(convolve(images, w("conv1_weight"), w("conv1_bias")))
    layer <- max_pool(convolve(layer, w("conv2_weight"), w("conv2_bias")))
    layer <- jnp$tanh(dense(layer$reshape(-1L, 800L), w("dense1_weight"), w("dense1_bias")))
    scores <- dense(layer, w("dense2_weight"), w("dense2_bias"))
    targets <- jax$nn$one_hot(labels, 10L)
    jnp$negative(jnp$sum(jnp$multiply(jax$nn$log_softmax(scores), targets), 1L)$mean())
  }, convert = FALSE)
  gradient_function <- jax$value_and_grad(loss_function)

  training_step <- r_to_py(function(weights, images, labels) {
    found <- gradient_function$`__call__`(weights, images, labels)
    gradients <- found$`__getitem__`(1L)
    after <- lapply(names(parameters), function(name) {
      change <- jnp$multiply(settings$learning_rate, gradients$`__getitem__`(name))
      jnp$subtract(weights$`__getitem__`(name), change)
    })
    weights <- do.call(dict, c(setNames(after, names(parameters)), convert = FALSE))
    tuple(weights, found$`__getitem__`(0L), convert = FALSE)
  }, convert = FALSE)
  train <- jax$jit(training_step, donate_argnums = 0L)

  weights <- jax$tree$map(jnp$array, do.call(dict, c(parameters, convert = FALSE)))

  list(
    step = function(images, labels) {
      found <- train$`__call__`(weights, images, labels)
      weights <<- found$`__getitem__`(0L)
      py_to_r(found$`__getitem__`(1L)$item())
    },
    parameters = function() {
      copy <- function(name) np$array(weights$`__getitem__`(name))
      setNames(lapply(names(parameters), copy), names(parameters))
    }
  )
}
