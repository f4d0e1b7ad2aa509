import CudaDeBERTa
import CudaDevice
import Foundation
import TestSupport
import Testing

/// The kernels through NVIDIA's compiler, which needs no GPU.
@Suite(.enabled(if: !InstalledCompiler.isSkipped)) struct KernelCompilationTests {
  /// A register that does not fit goes to memory, many times per loop: nothing here may be so
  /// large.
  @Test(arguments: ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"])
  func everyKernelCompilesWithoutSpills(architecture: String) throws {
    let compiler = try KernelCompiler(
      search: LibrarySearch(environment: InstalledCompiler.libraryEnvironment))
    for source in KernelSource.allCases {
      let (cubin, log) = try compiler.compileWithLog(
        source.text, name: source.name, headers: KernelSource.headers, architecture: architecture,
        options: ["--ptxas-options=-v"])
      #expect(!cubin.isEmpty)
      let kernels = log.matches(of: /Compiling entry function '(\w+)'/).map { String($0.1) }
      let spills = log.matches(of: /(\d+) bytes spill stores, (\d+) bytes spill loads/)
      #expect(!kernels.isEmpty && spills.count == kernels.count, "\(log)")
      for (kernel, spill) in zip(kernels, spills) {
        #expect(spill.1 == "0" && spill.2 == "0", "\(kernel): \(spill.0)")
      }
      #expect(!log.contains("warning"), "\(log)")
    }
  }
}
