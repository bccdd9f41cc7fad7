internal import LinkMeasurement
internal import MonitoringHTTP
internal import Operations
internal import PrometheusMetrics

/// `/health` and `/metrics`, the same on the plain port and inside mutual TLS.
enum HealthPages {
    /// The application protocol by which an authorized peer requests them on the control port.
    static let alpn = "http/1.1"

    static func of(_ core: ReflectorCore) -> HTTPPages {
        HTTPPages([
            ("/health", { health(core) }),
            ("/metrics", { .init(contentType: PrometheusText.contentType, body: await core.metrics()) }),
        ])
    }

    private static func health(_ core: ReflectorCore) -> HTTPPages.Page {
        let problem = core.audit.problem
        let body = Health(
            status: problem ?? "ok",
            version: BuildVersion.version,
            load: (HostFacts.real.load * 100).rounded() / 100
        )
        let json = (try? LinkJSON.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        return .init(isAvailable: problem == nil, contentType: "application/json", body: json + "\n")
    }

    private struct Health: Encodable {
        var status: String
        var version: String
        var load: Double
    }
}
