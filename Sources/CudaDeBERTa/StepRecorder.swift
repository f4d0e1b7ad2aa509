internal import CudaDevice

/// Marks the moments between the steps of a pass on a stream.
final class StepRecorder {
  private let stream: CudaStream
  private var marks: [(step: Step?, event: CudaEvent)] = []

  /// Begins now.
  init(on stream: CudaStream) throws(CudaFailure) {
    self.stream = stream
    try mark(nil)
  }

  /// A step ends now.
  func mark(_ step: Step?) throws(CudaFailure) {
    let event = try CudaEvent(in: stream.context, isTimed: true)
    try event.record(on: stream)
    marks.append((step, event))
  }

  /// Seconds of each step, over all layers.
  func seconds() throws(CudaFailure) -> [Step: Double] {
    try stream.finish()
    var seconds: [Step: Double] = [:]
    for (before, (step, event)) in zip(marks, marks.dropFirst()) {
      guard let step else { continue }
      seconds[step, default: 0] += try event.milliseconds(since: before.event) / 1000
    }
    return seconds
  }
}
