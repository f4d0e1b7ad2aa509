import CudaDevice
import Foundation
import TestSupport
import Testing

struct LibraryTests {
  @Test func whatIsMissingIsNamedWithThePlacesTried() throws {
    let directory = try TemporaryDirectory()
    let report = CudaReport(search: LibrarySearch(only: [directory.path, "/nowhere"]))
    #expect(report.devices.isEmpty)
    guard case .failure(.missing("libcuda.so.1", let tried)) = report.driver else {
      Issue.record("\(report.driver)")
      return
    }
    #expect(
      tried == [directory.path, "/nowhere"].map { "\($0)/libcuda.so.1: no such file" })
    guard case .failure(.missing("libnvrtc.so.13", let both)) = report.compiler else {
      Issue.record("\(report.compiler)")
      return
    }
    #expect(both.count == 4, "13 and 12 in both folders")
  }

  @Test func aFileThatIsNoLibraryIsRefusedInTheLoadersWords() throws {
    let directory = try TemporaryDirectory()
    try Data("no library".utf8).write(to: URL(filePath: directory.path + "/libcuda.so.1"))
    do throws(CudaFailure) {
      _ = try CudaDriver(search: LibrarySearch(only: [directory.path]))
      Issue.record("that is a driver?")
    } catch {
      guard case .missing(_, let tried) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(tried.count == 1 && tried[0].contains(directory.path))
    }
  }

  @Test func anotherLibraryOfThatNameLacksFunctions() throws {
    let directory = try TemporaryDirectory()
    let other = try #require(
      ["x86_64", "aarch64"].map { "/lib/\($0)-linux-gnu/libm.so.6" }
        .first { FileManager.default.fileExists(atPath: $0) })
    let path = directory.path + "/libcuda.so.1"
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
    do throws(CudaFailure) {
      _ = try CudaDriver(search: LibrarySearch(only: [directory.path]))
      Issue.record("that is a driver?")
    } catch {
      guard case .incomplete(_, function: "cuInit") = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  /// Algorithms are searched for few numbers of rows, which hold all others.
  @Test func productsAreSearchedInSteps() {
    #expect(DenseProduct.searchedRows(upTo: 1) == [256])
    #expect(DenseProduct.searchedRows(upTo: 257) == [256, 512])
    #expect(DenseProduct.searchedRows(upTo: 16_896).suffix(2) == [16_384, 17_408])
    #expect(DenseProduct.searchedRows(upTo: 16_896).count == 8 + 15)
  }

  @Test func foldersOfTheEnvironmentComeFirst() throws {
    let directory = try TemporaryDirectory()
    let search = LibrarySearch(environment: ["SLUICE_CUDA_LIBRARIES": "\(directory.path):/second"])
    guard case .failure(.missing(_, let tried)) = CudaReport(search: search).driver else { return }
    #expect(tried[0].hasPrefix(directory.path) && tried[1].hasPrefix("/second"))
  }
}
