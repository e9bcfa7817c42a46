# LeNet in R, through Keras' Python interface.
#
# Posit's R package keras3 wraps the same interface through reticulate, with R's pipes and types:
# https://keras3.posit.co

keras <- import("keras", convert = FALSE)
np <- import("numpy", convert = FALSE)
adapter <- import("framework_under_test.adapter", convert = FALSE)

lenet <- function(parameters, settings) {
  model <- keras$Sequential(list(
    keras$layers$Input(tuple(28L, 28L, 1L)),
    keras$layers$Conv2D(20L, 5L, activation = "tanh"),
    keras$layers$MaxPooling2D(2L),
    keras$layers$Conv2D(50L, 5L, activation = "tanh"),
    keras$layers$MaxPooling2D(2L),
    keras$layers$Flatten(),
    keras$layers$Dense(500L, activation = "tanh"),
    keras$layers$Dense(10L)
  ))
  model$compile(
    optimizer = keras$optimizers$SGD(settings$learning_rate),
    loss = keras$losses$SparseCategoricalCrossentropy(from_logits = TRUE)
  )
  # Keras keeps convolutions as HWIO and flattens H, W, C.
  model$set_weights(adapter$to_native(do.call(dict, c(parameters, convert = FALSE))))

  list(
    step = function(images, labels) {
      images <- np$transpose(images, c(0L, 2L, 3L, 1L))
      py_to_r(model$train_on_batch(images, labels))
    },
    parameters = function() {
      canonical <- adapter$to_canonical(model$get_weights(), names(parameters))
      sapply(names(parameters), function(name) canonical$`__getitem__`(name), simplify = FALSE)
    }
  )
}
