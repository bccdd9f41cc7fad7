internal import ArgumentParser
internal import NIOSSL
internal import NetworkProtocol

/// How the two sides of `tls:HOST:PORT` know each other.
struct TLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "PEM file of this side's certificate, the chain behind it. Needed to serve TLS.",
            valueName: "file"
        )
    )
    var certificate: String?

    @Option(help: ArgumentHelp("PEM file of the private key of --certificate.", valueName: "file"))
    var privateKey: String?

    @Option(
        help: ArgumentHelp(
            "PEM file of the authorities that the other side's certificate must come from; to measure, the system's without it.",
            valueName: "file"
        )
    )
    var ca: String?

    @Option(
        name: .customLong("pin"),
        help: ArgumentHelp(
            "SHA-256 of the other side's public key, besides the authority; more than once for more.",
            valueName: "sha256/HEX"
        )
    )
    var pins: [String] = []

    @Option(help: ArgumentHelp("The name in the daemon's certificate, if it is not the host.", valueName: "name"))
    var serverName: String?

    func validate() throws {
        guard (certificate == nil) == (privateKey == nil) else {
            throw ValidationError("--certificate and --private-key belong together; give both or neither")
        }
        for pin in pins where CertificatePin(pin) == nil {
            throw ValidationError("--pin \(pin): give sha256/ and 64 hexadecimal digits")
        }
    }

    /// Throws if options for TLS are used with an address without it, or the other way around.
    func checkUse(_ address: BenchAddress, _ trust: [String]) throws {
        let given = [
            certificate == nil ? nil : "--certificate", ca == nil ? nil : "--ca", pins.isEmpty ? nil : "--pin",
            serverName == nil ? nil : "--server-name",
        ].compactMap(\.self)
        if case .tls = address {
            if let option = trust.first(where: { $0 != "--anonymous" }) {
                throw ValidationError(
                    "\(option) is not for tls: addresses; there the other side is known by --ca and --pin"
                )
            }
        } else if let option = given.first {
            throw ValidationError("\(option) is for TLS; write the address as tls:HOST:PORT, or leave it out")
        }
    }

    func client() throws -> TLSClient {
        var settings = TLSClient()
        if let ca { settings.roots = .certificates(try certificates(ca, "--ca")) }
        settings.pins = Set(pins.compactMap { CertificatePin($0) })
        settings.serverName = serverName
        if let (chain, key) = try own() {
            settings.certificateChain = chain
            settings.privateKey = key
        }
        return settings
    }

    /// - Parameter anonymous: whether clients need no certificate.
    func server(anonymous: Bool) throws -> TLSServer {
        guard let (chain, key) = try own() else {
            throw ValidationError("to serve TLS give --certificate FILE and --private-key FILE")
        }
        if anonymous {
            guard ca == nil, pins.isEmpty else {
                throw ValidationError("--anonymous lets everybody in; leave out \(ca == nil ? "--pin" : "--ca"), or it")
            }
            return TLSServer(certificateChain: chain, privateKey: key, clients: .anonymous)
        }
        guard let ca else {
            throw ValidationError("say whose clients may connect: --ca FILE, or --anonymous for all")
        }
        let clients = TLSServer.Clients.certified(
            roots: try certificates(ca, "--ca"),
            pins: Set(pins.compactMap { CertificatePin($0) })
        )
        return TLSServer(certificateChain: chain, privateKey: key, clients: clients)
    }

    private func own() throws -> ([NIOSSLCertificate], NIOSSLPrivateKey)? {
        guard let certificate, let privateKey else { return nil }
        let chain = try certificates(certificate, "--certificate")
        let bytes = try InputFile.read(privateKey, of: "--private-key")
        do {
            return (chain, try NIOSSLPrivateKey(bytes: bytes, format: .pem))
        } catch {
            throw ValidationError("--private-key \(privateKey): there is no private key in PEM that can be read")
        }
    }

    private func certificates(_ path: String, _ option: String) throws -> [NIOSSLCertificate] {
        let bytes = try InputFile.read(path, of: option)
        if let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty { return certificates }
        throw ValidationError("\(option) \(path): there is no certificate in PEM that can be read")
    }
}
