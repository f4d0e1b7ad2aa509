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

/// What keeps a model from being too sure of safe texts, so that it is less wrong of texts unlike
/// all that it was trained on: weight · max(0, logsumexp(logits) - margin)² on each safe one, the
/// squared hinge on the energy -logsumexp(logits) of Liu et al. (arXiv 2010.03759, equation 5), as
/// Llama Prompt Guard 2 was trained.
package struct EnergyPenalty: Sendable, Codable, Hashable {
  package var weight: Double
  /// Logits whose logsumexp is at most this cost nothing.
  package var margin: Double

  package init(weight: Double, margin: Double) {
    self.weight = weight
    self.margin = margin
  }
}

/// (1 - λ)·KL(teacher ‖ student) + λ·BCE(label, student), HarmAug's loss (arXiv 2410.01524,
/// section 3.3), and on safe texts an energy penalty, if there is one.
package struct DistillationLoss: Sendable {
  private let lambda: Double
  private let teacherTemperature: Double
  private let energy: EnergyPenalty?

  /// - Parameter teacherTemperature: divides the teacher's logit; 0 makes its opinion a hard label.
  package init(lambda: Double, teacherTemperature: Double, energy: EnergyPenalty? = nil) {
    self.lambda = lambda
    self.teacherTemperature = teacherTemperature
    self.energy = energy
  }

  /// The loss of one sequence, in nats.
  package func value(_ logits: Logits, _ target: TrainingTarget) -> Double {
    let difference = Double(logits.unsafe) - Double(logits.safe)
    let logUnsafe = -softplus(-difference)
    let logSafe = -softplus(difference)
    let teacher = self.teacher(target)
    let divergence = entropyTerm(teacher, logUnsafe) + entropyTerm(1 - teacher, logSafe)
    let crossEntropy = target.isUnsafe ? -logUnsafe : -logSafe
    let excess = excessEnergy(logits, target)
    return (1 - lambda) * divergence + lambda * crossEntropy
      + (energy?.weight ?? 0) * excess * excess
  }

  /// Its gradient at the logits, times `share`: the softmax minus the mixed target, and the
  /// softmax times what the energy costs.
  package func gradient(_ logits: Logits, _ target: TrainingTarget, share: Double) -> Logits {
    let mixed = (1 - lambda) * teacher(target) + lambda * (target.isUnsafe ? 1 : 0)
    let unsafe = logits.unsafeProbability
    let slope = Float((unsafe - mixed) * share)
    guard let energy else { return Logits(safe: -slope, unsafe: slope) }
    let push = 2 * energy.weight * excessEnergy(logits, target) * share
    return Logits(safe: -slope + Float((1 - unsafe) * push), unsafe: slope + Float(unsafe * push))
  }

  /// How far the logsumexp of a safe text's logits is above the margin.
  private func excessEnergy(_ logits: Logits, _ target: TrainingTarget) -> Double {
    guard let energy, !target.isUnsafe else { return 0 }
    let (safe, unsafe) = (Double(logits.safe), Double(logits.unsafe))
    return max(0, safe + softplus(unsafe - safe) - energy.margin)
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
