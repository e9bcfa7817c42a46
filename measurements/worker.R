# One R process, one framework: drives LeNet through reticulate, then lets the worker publish it.
#
# Started by the generator as `Rscript worker.R JOB OUT`, with RETICULATE_PYTHON naming the framework's
# own interpreter. The framework's folder brings lenet.R, which defines
#
#   lenet(parameters, settings)   parameters: named list of NumPy arrays, canonical layout
#                                 settings: list(learning_rate, batch, threads)
#
# and returns list(step = function(images, labels) -> mean loss before the update,
#                  parameters = function() -> named list of NumPy arrays, canonical layout).
# Everything is timed here, in R; measurements/sections/r.py holds the gate and writes the rows.

arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(reticulate))
use_python(Sys.getenv("RETICULATE_PYTHON"), required = TRUE)

builtins <- import_builtins(convert = FALSE)
worker <- import("measurements.worker", convert = FALSE)
session <- worker$begin(arguments[1], builtins$open(arguments[2], "a"))
job <- py_to_r(session$job)

elapsed <- function(start) as.numeric(difftime(Sys.time(), start, units = "secs"))

# A Python list of (images, labels) as an R list, the arrays themselves untouched.
as_batches <- function(batches) {
  lapply(seq_len(py_to_r(builtins$len(batches))) - 1L, function(place) {
    pair <- batches$`__getitem__`(place)
    list(images = pair$`__getitem__`(0L), labels = pair$`__getitem__`(1L))
  })
}

as_named_list <- function(parameters) {
  names <- unlist(py_to_r(builtins$list(parameters$keys())))
  setNames(lapply(names, function(name) parameters$`__getitem__`(name)), names)
}

drive <- function() {
  invisible(session$framework)  # imports the framework and sets device and threads
  source(file.path(job$folder, "lenet.R"))
  settings <- job$settings[c("learning_rate", "batch", "threads")]
  start <- Sys.time()
  model <- lenet(as_named_list(session$initial_parameters), settings)
  build_time <- elapsed(start)

  batches <- as_batches(session$batches(10L))
  start <- Sys.time()
  losses <- model$step(batches[[1]]$images, batches[[1]]$labels)
  first_step_time <- elapsed(start)
  after <- do.call(dict, c(model$parameters(), convert = FALSE))
  for (batch in batches[-1]) losses <- c(losses, model$step(batch$images, batch$labels))

  # A sample is as many steps as last min_sample_seconds; step() returns a number, so it has waited.
  seconds <- function(steps) {
    start <- Sys.time()
    for (place in seq_len(steps)) {
      batch <- batches[[1 + place %% length(batches)]]
      model$step(batch$images, batch$labels)
    }
    elapsed(start)
  }
  invisible(seconds(job$warmup))
  steps <- 1
  while ((trial <- seconds(steps)) < job$min_sample_seconds / 4) steps <- 2 * steps
  steps <- max(1, ceiling(1.1 * steps * job$min_sample_seconds / trial))
  samples <- vapply(seq_len(job$samples), function(sample) seconds(steps) / steps, numeric(1))

  # R has no function that loads weights: the step is looked at from where the timed ones led to.
  trained <- do.call(dict, c(model$parameters(), convert = FALSE))
  last_loss <- model$step(batches[[1]]$images, batches[[1]]$labels)
  last <- do.call(dict, c(model$parameters(), convert = FALSE))

  list(
    trained = trained, last_loss = last_loss, last = last,
    losses = as.list(losses), after = after, build_time = build_time,
    first_step_time = first_step_time, samples = as.list(samples), steps = steps,
    r = R.version.string, reticulate = as.character(packageVersion("reticulate"))
  )
}

driven <- tryCatch(drive(), error = function(error) list(error = conditionMessage(error)))
status <- session$run(do.call(dict, c(driven, convert = FALSE)))
# Every row is on disk by now. Leave from Python, without R's or Python's exit handlers: inside R
# the two take a framework's threads down in an order that it never expects (MXNet: rare SIGSEGV).
flush(stdout())
invisible(import("sys", convert = FALSE)$stdout$flush())
import("os", convert = FALSE)$`_exit`(status)
