internal import Basics
internal import Distillation

/// What a training tells of itself.
package enum TrainingProgress: Sendable {
  /// A teacher judges examples.
  case scoring(teacher: String, done: Int, of: Int)
  case tokenizing(done: Int, of: Int)
  case training(TrainingPace)
}

/// How fast a training goes, and how far it is.
package struct TrainingPace: Sendable {
  package let steps: Int
  package private(set) var step: Int
  /// An average of the losses of about ten steps.
  package private(set) var loss = 0.0
  /// Of training alone, in this run of the program.
  package private(set) var tokensPerSecond = 0.0
  package private(set) var secondsLeft = 0.0
  private let firstStep: Int
  private var tokens = 0
  private var elapsed = 0.0

  init(steps: Int, taken: Int) {
    self.steps = steps
    step = taken
    firstStep = taken
  }

  /// Takes another step into account.
  mutating func advance(_ point: TrainingPoint, took duration: Duration) -> TrainingPace {
    elapsed += max(1e-6, duration.seconds)
    loss = tokens == 0 ? point.loss : 0.9 * loss + 0.1 * point.loss
    step = point.step
    tokens += point.tokens
    tokensPerSecond = Double(tokens) / elapsed
    secondsLeft = elapsed / Double(step - firstStep) * Double(steps - step)
    return self
  }
}
