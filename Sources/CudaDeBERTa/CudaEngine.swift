package import CudaDevice

/// A GPU that models can run on, with everything that they share there.
package final class CudaEngine: Sendable {
  let context: CudaContext
  let cubins: CubinSource

  /// Takes a GPU into use.
  ///
  /// - Parameter ordinal: its place in the driver's list, such as 0.
  package init(
    ordinal: Int, search: LibrarySearch, environment: [String: String]
  ) throws(CudaFailure) {
    let driver = try CudaDriver(search: search)
    guard let device = driver.devices.first(where: { $0.ordinal == ordinal }) else {
      throw .noDevice(ordinal: ordinal, count: driver.devices.count)
    }
    context = try CudaContext(driver: driver, device: device)
    cubins = CubinSource(search: search, environment: environment)
  }

  /// The GPU.
  package var device: CudaDeviceProperties { context.device }

  /// Bytes of its memory that are free, now.
  package func freeBytes() throws(CudaFailure) -> Int { try context.freeBytes() }
}
