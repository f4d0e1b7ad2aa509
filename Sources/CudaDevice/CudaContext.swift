internal import CCuda

/// A GPU that this process works on: the driver's context of one device.
///
/// It may be used from several threads. Whatever was made in it keeps it alive.
@safe package final class CudaContext: @unchecked Sendable {
  // @unchecked Sendable: the driver's context is made for several threads.
  private let driver: CudaDriver
  private let context: ccuda_context
  package let device: CudaDeviceProperties

  /// Begins to use a device of the driver.
  package init(driver: CudaDriver, device: CudaDeviceProperties) throws(CudaFailure) {
    var context: ccuda_context?
    let result = unsafe driver.table.retain_context(&context, Int32(device.ordinal))
    try driver.check("cuDevicePrimaryCtxRetain", result)
    guard let context = unsafe context else {
      throw .failed(function: "cuDevicePrimaryCtxRetain", reason: "no context")
    }
    self.driver = driver
    unsafe self.context = unsafe context
    self.device = device
  }

  deinit { _ = driver.table.release_context(Int32(device.ordinal)) }

  /// Bytes of the device's memory that are free, now.
  package func freeBytes() throws(CudaFailure) -> Int {
    var (free, total) = (0, 0)
    try call("cuMemGetInfo") { unsafe $0.memory_info(&free, &total) }
    return free
  }

  /// Calls a function of the driver with this context as the thread's.
  func call(
    _ function: String, _ body: (borrowing ccuda_driver) -> ccuda_result
  ) throws(CudaFailure) {
    try driver.check("cuCtxSetCurrent", unsafe driver.table.set_context(context))
    try driver.check(function, body(driver.table))
  }

  /// As `call`, where a failure can only be that of an earlier call: for what is given back.
  func release(_ body: (borrowing ccuda_driver) -> ccuda_result) {
    guard unsafe driver.table.set_context(context) == 0 else { return }
    _ = body(driver.table)
  }
}
