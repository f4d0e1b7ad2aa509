internal import Basics
internal import Files
internal import Foundation
internal import Glibc
package import Settings

/// The name under which a daemon makes transactions: the same after a restart, so that the
/// successor fences what its predecessor left (KIP-98), and never that of another one that runs.
///
/// It is `kafka.transactional_id`, or group and `group_instance_id`, or else the group, the host,
/// and, where there is one, the instance of a systemd unit or the GPU that is asked for. Daemons
/// alike in all of that take slots, each the first that is free: `sluice-host`, `sluice-host#2`,
/// and so on. A slot is a lock that the system gives back when its holder ends, however it ends.
package final class TransactionalIdentity: Sendable {
  package let name: String
  /// nil for a name that has no slots.
  private let slot: FileLock?

  private static let slotsMax = 1_024

  /// Takes the name for as long as this object lives.
  ///
  /// Where no lock can be made, the name is that of the first slot.
  package convenience init(settings: Settings, environment: [String: String]) {
    self.init(
      settings: settings, host: Self.hostName,
      instance: Self.instance(groups: Self.text("/proc/self/cgroup")),
      folder: Self.folder(environment))
  }

  /// - Parameters:
  ///   - instance: the instance of the systemd unit; nil outside of one.
  ///   - folder: where the locks are, which all daemons of the host share; nil for nowhere.
  package init(settings: Settings, host: String, instance: String?, folder: String?) {
    let kafka = settings.kafka
    if let name = kafka.transactionalID ?? kafka.groupInstanceID.map({ "\(kafka.groupID)-\($0)" }) {
      self.name = name
      slot = nil
      return
    }
    var place = instance
    if place == nil, case .cuda(let number) = settings.engine.device { place = "cuda:\(number)" }
    let name = "\(kafka.groupID)-\(host)" + (place.map { "@\($0)" } ?? "")
    let digest = ContentDigest(of: name.utf8).description.prefix(16)
    for number in 1...Self.slotsMax {
      guard let folder else { break }
      do throws(FileError) {
        slot = try FileLock("\(folder)/sluice-\(digest)-\(number).lock")
        self.name = number == 1 ? name : "\(name)#\(number)"
        return
      } catch {
        // Another user's lock cannot be opened, and counts as held.
        continue
      }
    }
    slot = nil
    self.name = name
  }

  /// The state folder that systemd gives a service and all its like, or where locks are kept.
  private static func folder(_ environment: [String: String]) -> String? {
    let state = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
    return ([state, "/run/lock", NSTemporaryDirectory()] as [String?]).compactMap(\.self)
      .first { unsafe access($0, W_OK) == 0 }
  }

  /// `b` of `…/sluice@b.service`, from /proc/self/cgroup.
  package static func instance(groups: String?) -> String? {
    for line in groups?.split(separator: "\n") ?? [] {
      guard let unit = line.split(separator: "/").last, unit.hasSuffix(".service"),
        let at = unit.firstIndex(of: "@")
      else { continue }
      let instance = unit[unit.index(after: at)...].dropLast(".service".count)
      if !instance.isEmpty { return String(instance) }
    }
    return nil
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }

  private static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "host" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
