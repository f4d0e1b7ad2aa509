package import DeBERTa
import Glibc

/// What one sequence should be judged.
package struct TrainingTarget: Hashable, Sendable {
  /// The label: true for unsafe.
  package var isUnsafe: Bool
  /// The teacher's P(unsafe); nil where no teacher judged, and the label stands in.
  package var teacherScore: Double?

  package init(isUnsafe: Bool, teacherScore: Double? = nil) {
    self.isUnsafe = isUnsafe
    self.teacherScore = teacherScore
  }
}

/// (1 - λ)·KL(teacher ‖ student) + λ·BCE(label, student), HarmAug's loss (arXiv 2410.01524,
/// section 3.3).
package struct DistillationLoss: Sendable {
  private let lambda: Double
  private let teacherTemperature: Double

  /// - Parameter teacherTemperature: divides the teacher's logit; 0 makes its opinion a hard label.
  package init(lambda: Double, teacherTemperature: Double) {
    self.lambda = lambda
    self.teacherTemperature = teacherTemperature
  }

  /// The loss of one sequence, in nats.
  package func value(_ logits: Logits, _ target: TrainingTarget) -> Double {
    let difference = Double(logits.unsafe) - Double(logits.safe)
    let logUnsafe = -softplus(-difference)
    let logSafe = -softplus(difference)
    let teacher = self.teacher(target)
    let divergence = entropyTerm(teacher, logUnsafe) + entropyTerm(1 - teacher, logSafe)
    let crossEntropy = target.isUnsafe ? -logUnsafe : -logSafe
    return (1 - lambda) * divergence + lambda * crossEntropy
  }

  /// Its gradient at the logits, times `share`: the softmax minus the mixed target.
  package func gradient(_ logits: Logits, _ target: TrainingTarget, share: Double) -> Logits {
    let mixed = (1 - lambda) * teacher(target) + lambda * (target.isUnsafe ? 1 : 0)
    let slope = Float((logits.unsafeProbability - mixed) * share)
    return Logits(safe: -slope, unsafe: slope)
  }

  /// The teacher's probability at the temperature.
  private func teacher(_ target: TrainingTarget) -> Double {
    guard let score = target.teacherScore else { return target.isUnsafe ? 1 : 0 }
    if teacherTemperature == 0 { return score > 0.5 ? 1 : 0 }
    if score <= 0 || score >= 1 { return score }
    return 1 / (1 + exp(-log(score / (1 - score)) / teacherTemperature))
  }

  /// p·(log p - log q), 0 at p = 0.
  private func entropyTerm(_ p: Double, _ logQ: Double) -> Double {
    p == 0 ? 0 : p * (log(p) - logQ)
  }

  private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
