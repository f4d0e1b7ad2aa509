import CudaDevice
import Foundation
import TestSupport
import Testing

/// The real compiler, which needs no GPU; `Tests/Fixtures/install_test_servers.sh` installs it.
@Suite(.enabled(if: !InstalledCompiler.isSkipped)) struct KernelCompilerTests {
  private static let search = LibrarySearch(environment: InstalledCompiler.libraryEnvironment)

  private static let fill = """
    extern "C" __global__ void fill(float *values, float value, int count) {
      int place = blockIdx.x * blockDim.x + threadIdx.x;
      if (place < count) values[place] = value;
    }
    """

  @Test(arguments: ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"])
  func everyArchitectureIsCompiledFor(architecture: String) throws {
    let compiler = try KernelCompiler(search: Self.search)
    #expect(compiler.version.major >= 12)
    #expect(compiler.architectures.contains(architecture))
    let cubin = try compiler.compile(Self.fill, name: "fill.cu", architecture: architecture)
    #expect(Array(cubin.prefix(4)) == [0x7F] + Array("ELF".utf8))
    #expect(String(decoding: cubin, as: UTF8.self).contains(".text.fill"))
  }

  @Test func headersComeFromMemory() throws {
    let compiler = try KernelCompiler(search: Self.search)
    let source = "#include \"size.cuh\"\nextern \"C\" __global__ void f(int *x) { *x = SIZE; }"
    let cubin = try compiler.compile(
      source, name: "f.cu", headers: ["size.cuh": "#define SIZE 7\n"], architecture: "sm_80")
    #expect(!cubin.isEmpty)
    #expect(throws: CudaFailure.self) {
      try compiler.compile(source, name: "f.cu", architecture: "sm_80")
    }
  }

  @Test func aMistakeIsShownWithItsLine() throws {
    let compiler = try KernelCompiler(search: Self.search)
    do throws(CudaFailure) {
      _ = try compiler.compile(
        "// first line\n__global__ void f() { undefined; }", name: "wrong.cu",
        architecture: "sm_90")
      Issue.record("that compiles?")
    } catch {
      guard case .compilation("wrong.cu", "sm_90", let log) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(log.contains("wrong.cu(2)") && log.contains("undefined"), "\(log)")
    }
  }

  /// A device may be newer than the compiler.
  @Test func anOlderCompilerServesTheSameGeneration() throws {
    let compiler = try KernelCompiler(
      search: LibrarySearch(environment: InstalledCompiler.libraryEnvironment))
    #expect(compiler.target(for: "sm_90") == "sm_90")
    let known = Set(compiler.architectures)
    let newest = compiler.target(for: "sm_129")
    #expect(known.contains(newest) && newest.hasPrefix("sm_12"))
    #expect(compiler.target(for: "sm_990") == "sm_990", "nothing to take instead")
  }

  @Test func anUnknownArchitectureIsAFailure() throws {
    let compiler = try KernelCompiler(search: Self.search)
    #expect(throws: CudaFailure.self) {
      try compiler.compile(Self.fill, name: "fill.cu", architecture: "sm_1")
    }
  }
}
