internal import Sections

/// What the model runs on.
package struct EngineSettings: Hashable, Sendable {
  /// The device to run on.
  package enum Device: Hashable, Sendable {
    /// The first GPU where there is a usable one, else the CPU.
    case auto
    case cpu
    /// The GPU at that place in the driver's list, and nothing else.
    case cuda(Int)

    /// What settings and options say: `auto`, `cpu`, `cuda` or `cuda:N`.
    package init?(_ text: some StringProtocol) {
      switch text {
      case "auto": self = .auto
      case "cpu": self = .cpu
      case "cuda": self = .cuda(0)
      default:
        guard text.hasPrefix("cuda:"), let number = UInt8(text.dropFirst(5)) else { return nil }
        self = .cuda(Int(number))
      }
    }
  }

  /// The numbers that are multiplied; sums are 32-bit floats in all of them.
  package enum Precision: String, Hashable, Sendable, CaseIterable {
    /// Of a GPU the first of fp16 and bf16, of a CPU the first of int8, bf16 and fp32, which the
    /// device has fast instructions for, and with which the model judges as with 32-bit floats.
    case auto
    /// Of CPUs.
    case fp32
    case bf16
    /// Of CPUs: 8 bits in the layers.
    case int8
    /// Of GPUs.
    case fp16
    /// Of GPUs: 8 bits where most of the time goes, and 16 elsewhere.
    case fp8
  }

  package var device: Device
  package var precision: Precision
  /// Threads of the model on a CPU; 0 for one per core.
  package var threads: Int

  package init(device: Device = .auto, precision: Precision = .auto, threads: Int = 0) {
    self.device = device
    self.precision = precision
    self.threads = threads
  }
}

extension EngineSettings {
  init(_ section: SectionReader) {
    device = section.value(
      "device", default: .auto, expected: "auto, cpu or cuda:N", Device.init)
    precision = section.choice("precision", default: .auto)
    threads = section.number("threads", default: 0, in: 0...4096)
    section.finish()
  }
}
