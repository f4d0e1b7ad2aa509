import Learning
import Presentation

extension TrainingProgress {
  /// As a progress bar shows it.
  var line: String {
    switch self {
    case .scoring(let teacher, let done, let total):
      return "\(ProgressBar.bar(share: Double(done) / Double(max(1, total)))) "
        + "\(teacher) judges example \(done) of \(total)"
    case .tokenizing(let done, let total): return "tokenizing \(done) of \(total) examples"
    case .training(let pace):
      let share = Double(pace.step) / Double(max(1, pace.steps))
      return "\(ProgressBar.bar(share: share)) step \(pace.step) of \(pace.steps), "
        + "loss \(fixed(pace.loss, 4)), \(Int(pace.tokensPerSecond)) tokens/s, "
        + "\(duration(pace.secondsLeft)) left"
    }
  }
}
