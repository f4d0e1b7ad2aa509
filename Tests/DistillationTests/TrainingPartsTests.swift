import DeBERTa
import Foundation
import Testing

import Distillation

@Suite struct TrainingPartsTests {
  @Test func theRateRisesAndFallsLinearly() {
    let schedule = LearningRateSchedule(rate: 1, warmUpSteps: 4, steps: 12)
    let rates = (0...12).map { schedule.rate(at: $0) }
    let rise: [Double] = [0, 0.25, 0.5, 0.75, 1]
    let fall: [Double] = [0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0]
    #expect(rates == rise + fall)
    #expect(LearningRateSchedule(rate: 1, warmUpSteps: 0, steps: 1).rate(at: 0) == 1)
  }

  @Test(arguments: [0.0, 0.3, 1.0], [0.0, 0.5, 1, 2])
  func theLossesGradientIsItsSlope(lambda: Double, temperature: Double) {
    let loss = DistillationLoss(lambda: lambda, teacherTemperature: temperature)
    for target in [
      TrainingTarget(isUnsafe: true, teacherScore: 0.3), TrainingTarget(isUnsafe: false),
      TrainingTarget(isUnsafe: false, teacherScore: 1),
    ] {
      for (safe, unsafe) in [(Float(0.5), Float(-1)), (-2, 3), (0, 0)] {
        let gradient = loss.gradient(Logits(safe: safe, unsafe: unsafe), target, share: 2)
        let up: Double = loss.value(Logits(safe: safe, unsafe: unsafe + 0.125), target)
        let down: Double = loss.value(Logits(safe: safe, unsafe: unsafe - 0.125), target)
        let difference: Double = Double(gradient.unsafe) - 8 * (up - down)
        #expect(abs(difference) < 2e-3)
        #expect(gradient.safe == -gradient.unsafe)
      }
    }
  }

  /// Safe texts pay for logits beyond the margin, by both logits; unsafe ones do not.
  @Test func sureSafeTextsPayForTheirEnergy() {
    let plain = DistillationLoss(lambda: 1, teacherTemperature: 0)
    let loss = DistillationLoss(
      lambda: 1, teacherTemperature: 0, energy: EnergyPenalty(weight: 0.5, margin: 2))
    let safe = TrainingTarget(isUnsafe: false)
    for (one, other) in [(Float(4), Float(-3)), (1, 3.5), (-9, 2.25)] {
      let logits = Logits(safe: one, unsafe: other)
      let energy = log(exp(Double(one)) + exp(Double(other)))
      let expected = plain.value(logits, safe) + 0.5 * (energy - 2) * (energy - 2)
      #expect(abs(loss.value(logits, safe) - expected) < 1e-9)
      let gradient = loss.gradient(logits, safe, share: 1)
      let step: Float = 1 / 64
      for (slope, up, down) in [
        (
          gradient.safe, Logits(safe: one + step, unsafe: other),
          Logits(safe: one - step, unsafe: other)
        ),
        (
          gradient.unsafe, Logits(safe: one, unsafe: other + step),
          Logits(safe: one, unsafe: other - step)
        ),
      ] {
        let difference = 32 * (loss.value(up, safe) - loss.value(down, safe))
        #expect(abs(Double(slope) - difference) < 1e-3)
      }
      let unsafe = TrainingTarget(isUnsafe: true)
      #expect(loss.value(logits, unsafe) == plain.value(logits, unsafe))
    }
    let calm = Logits(safe: 1, unsafe: -1)
    #expect(loss.value(calm, safe) == plain.value(calm, safe))
    #expect(loss.gradient(calm, safe, share: 1) == plain.gradient(calm, safe, share: 1))
    #expect(loss.value(Logits(safe: 300, unsafe: -900), safe).isFinite)
  }

  @Test func extremeLogitsHaveAFiniteLoss() {
    let loss = DistillationLoss(lambda: 0.5, teacherTemperature: 1)
    let target = TrainingTarget(isUnsafe: true, teacherScore: 0)
    // The label pays 1000 nats, the teacher none; each counts half.
    let value: Double = loss.value(Logits(safe: 500, unsafe: -500), target)
    #expect(abs(value - 500) < 1e-9)
  }

  @Test func classesAreDrawnEquallyOften() {
    var sampler = ExampleSampler(
      isUnsafe: (0..<100).map { $0 < 5 }, balances: true, batchSize: 1000, seed: 1)
    let unsafe = sampler.indices(step: 0).count { $0 < 5 }
    #expect(unsafe >= 440 && unsafe <= 560)
    #expect(sampler.indices(step: 7) == sampler.indices(step: 7))
    #expect(sampler.indices(step: 7) != sampler.indices(step: 8))
  }

  @Test func withoutBalancingAnEpochIsAPermutation() {
    var sampler = ExampleSampler(
      isUnsafe: Array(repeating: true, count: 10), balances: false, batchSize: 4, seed: 1)
    let draws = (0..<5).flatMap { sampler.indices(step: $0) }
    let (first, second) = (Array(draws.prefix(10)), Array(draws.suffix(10)))
    #expect(Set(first) == Set(0..<10))
    #expect(Set(second) == Set(0..<10))
    #expect(first != second)
  }

  @Test func microBatchesKeepTheBudget() {
    let expected: [[Int]] = [[1, 3, 0], [2], [4]]
    #expect(TrainingBatches.cut(lengths: [5, 1, 9, 3, 20], tokensMax: 9) == expected)
    #expect(TrainingBatches.cut(lengths: [], tokensMax: 9).isEmpty)
  }

  @Test func stepsFollowEpochsAndLimit() {
    var recipe = TrainingRecipe()
    #expect(recipe.steps(examples: 1000) == 12)
    recipe.epochs = 0.1
    #expect(recipe.steps(examples: 1000) == 1)
    #expect(TrainingRecipe.adaptation.steps(examples: 25) == 200)
  }
}
