/// Linear warm-up to the full rate, then linearly down to 0 at the last step.
package struct LearningRateSchedule: Sendable {
  private let rate: Double
  private let warmUpSteps: Int
  private let steps: Int

  /// A schedule over `steps`; a warm-up that is longer is cut to them.
  package init(rate: Double, warmUpSteps: Int, steps: Int) {
    self.rate = rate
    self.warmUpSteps = min(warmUpSteps, steps)
    self.steps = steps
  }

  /// The rate of a step, counted from 0: as transformers' `get_linear_schedule_with_warmup`.
  package func rate(at step: Int) -> Double {
    if step < warmUpSteps { return rate * Double(step) / Double(warmUpSteps) }
    guard steps > warmUpSteps else { return rate }
    return rate * Double(max(0, steps - step)) / Double(steps - warmUpSteps)
  }
}
