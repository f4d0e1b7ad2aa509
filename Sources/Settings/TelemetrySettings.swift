internal import Glibc
internal import Sections

/// What the daemon tells about itself.
package struct TelemetrySettings: Hashable, Sendable {
  /// An IPv4 or IPv6 address, without brackets, and a port to serve health and metrics on.
  package struct Endpoint: Hashable, Sendable {
    package let address: String
    package let port: UInt16
  }

  /// nil serves nothing.
  package var listen: Endpoint?
  package var logLevel: LogLevel
  package var logFormat: LogStyle
  /// Tenants with metrics of their own; the others share one series.
  package var tenantsMax: Int
  /// nil makes no spans.
  package var traces: TraceSettings?
}

/// How much is logged.
package enum LogLevel: String, Hashable, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
}

/// How log lines look.
package enum LogStyle: String, Hashable, Sendable, CaseIterable {
  case text, json
}

extension TelemetrySettings {
  init(_ section: SectionReader) {
    listen = Self.endpoint(section, "listen", default: "127.0.0.1:9464")
    logLevel = section.choice("log_level", default: .info)
    logFormat = section.choice("log_format", default: .text)
    tenantsMax = section.number("tenants_max", default: 20, in: 0...1000)
    traces = TraceSettings(section.section("traces"))
    section.finish()
  }

  /// An address to listen on; nil for `none`.
  static func endpoint(
    _ section: SectionReader, _ key: String, default standard: String
  ) -> Endpoint? {
    let text = section.text(key, default: standard)
    if text == "none" { return nil }
    let endpoint = Endpoint(text)
    if endpoint == nil {
      section.complain(
        "expected an IPv4 address or an IPv6 address in brackets, and a port; or none", about: key)
    }
    return endpoint
  }
}

extension TelemetrySettings.Endpoint {
  /// `address:port` with an IPv4 address, or with an IPv6 address in brackets.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("+"),
      let port = UInt16(text[colon...].dropFirst())
    else { return nil }
    let host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let address = isBracketed ? String(host.dropFirst().dropLast()) : String(host)
    var bytes = in6_addr()
    let family = isBracketed ? AF_INET6 : AF_INET
    guard unsafe inet_pton(family, address, &bytes) == 1 else { return nil }
    self.init(address: address, port: port)
  }
}
