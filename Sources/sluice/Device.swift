import ArgumentParser
import CudaDeBERTa
import CudaDevice
import Files
import Foundation
import Presentation
internal import StrictJSON

struct Device: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the GPUs and CUDA's libraries on this host.",
    discussion: """
      Looks in the folders of SLUICE_CUDA_LIBRARIES, where the system's loader looks, in the usual
      folders of NVIDIA's packages, and in an active Python environment. Exit code 69 when there is
      no usable GPU. With --compile nothing is shown: the kernels are compiled into a folder, for
      hosts that have a driver and no compiler; give the folder there as SLUICE_CUBINS.

      Example: sluice device
      Example: SLUICE_CUDA_LIBRARIES=/opt/cuda/lib64 sluice device --json
      Example: sluice device --compile cubins --architectures sm_80,sm_90
      """)

  @Flag(help: "Show every place where a missing library was looked for.")
  var verbose = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: ArgumentHelp("Compile the kernels into this folder.", valueName: "folder"))
  var compile: String?

  @Option(help: "What to compile for, separated by commas; the GPUs of this host by default.")
  var architectures: String?

  func validate() throws {
    guard compile != nil || architectures == nil else {
      throw ValidationError("--architectures: only with --compile")
    }
  }

  func run() throws {
    if let compile { return try compileKernels(into: compile) }
    let report = CudaReport(search: LibrarySearch(environment: ProcessInfo.processInfo.environment))
    if json {
      try printJSON(report)
    } else {
      StandardOutput.say(text(report))
    }
    if report.devices.isEmpty { throw ExitCode(69) }
  }

  private func compileKernels(into folder: String) throws {
    let report = CudaReport(search: LibrarySearch(environment: ProcessInfo.processInfo.environment))
    let names =
      architectures?.split(separator: ",").map(String.init)
      ?? Set(report.devices.map(\.architecture)).sorted()
    guard !names.isEmpty else {
      throw fail("there is no GPU here: say what to compile for with --architectures", code: 64)
    }
    do {
      let compiler = try report.compiler.get()
      for name in names where !compiler.architectures.contains(name) {
        let known = compiler.architectures.joined(separator: ", ")
        throw fail("--architectures: \(name) is none of \(known)", code: 64)
      }
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      for name in names {
        try CubinSource.compileAll(architecture: name, with: compiler) { file, cubin in
          try DurableFiles().replace("\(folder)/\(file)", with: Data(cubin))
          StandardOutput.say("\(folder)/\(file)")
        }
      }
    } catch let failure as CudaFailure {
      throw fail(failure.description, code: 69)
    } catch let error as FileError {
      throw fail(error.description, code: 73)
    } catch let error as CocoaError {
      throw fail("\(folder): \(error.localizedDescription)", code: 73)
    }
  }

  private func text(_ report: CudaReport) -> String {
    var lines: [String] = []
    switch report.driver {
    case .success(let driver):
      lines.append("driver for CUDA \(driver.version): \(driver.path)")
      lines += driver.devices.map { device in
        "  cuda:\(device.ordinal)  \(device.name), \(device.memoryBytes >> 20) MiB, "
          + "\(device.multiprocessors) multiprocessors, \(device.architecture)"
      }
      if driver.devices.isEmpty { lines.append("  no GPU; does CUDA_VISIBLE_DEVICES hide it?") }
    case .failure(let failure):
      lines += ["no driver: \(words(failure))", "  install the NVIDIA driver of this host's GPU"]
    }
    switch report.compiler {
    case .success(let compiler):
      let newest = compiler.architectures.last ?? "none"
      lines.append(
        "compiler NVRTC \(compiler.version), up to \(newest): \(compiler.path)")
    case .failure(let failure):
      lines += [
        "no compiler: \(words(failure))", "  install cuda-nvrtc, or pip's nvidia-cuda-nvrtc",
      ]
    }
    switch report.products {
    case .success(let products):
      lines.append("cuBLASLt \(products.version): \(products.path)")
    case .failure(let failure):
      lines += ["no cuBLASLt: \(words(failure))", "  install libcublas, or pip's nvidia-cublas"]
    }
    return lines.joined(separator: "\n")
  }

  private func words(_ failure: CudaFailure) -> String {
    if case .missing(let library, let tried) = failure, !verbose {
      return "\(library) is in none of \(tried.count) places (--verbose shows them)"
    }
    return failure.description
  }

  /// A library in JSON: its path and version, or an error.
  private struct Library: Encodable {
    var path: String?
    var version: String?
    var error: String?
  }

  private struct Found: Encodable {
    let driver: Library
    let compiler: Library
    let cublasLt: Library
    let devices: [CudaDeviceProperties]
  }

  private func printJSON(_ report: CudaReport) throws {
    func library<Value>(
      _ result: Result<Value, CudaFailure>, _ facts: (Value) -> (String, CudaVersion)
    ) -> Library {
      switch result {
      case .success(let value):
        let (path, version) = facts(value)
        return Library(path: path, version: version.description)
      case .failure(let failure): return Library(error: failure.description)
      }
    }
    let found = Found(
      driver: library(report.driver) { ($0.path, $0.version) },
      compiler: library(report.compiler) { ($0.path, $0.version) },
      cublasLt: library(report.products) { ($0.path, $0.version) }, devices: report.devices)
    let text = try JSONCoder.encode(found, .pretty)
    StandardOutput.write(text)
  }
}
