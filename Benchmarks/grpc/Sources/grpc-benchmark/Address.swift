/// Where the server listens.
enum Address: Sendable {
    case unix(path: String)
    case tls(port: Int, folder: String)

    static let host = "localhost"

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 2).map(String.init)
        switch (parts.first, parts.count) {
        case ("unix", 2): self = .unix(path: parts[1])
        case ("tls", 3):
            guard let port = Int(parts[1]), (1...65_535).contains(port) else { throw Usage() }
            self = .tls(port: port, folder: parts[2])
        default: throw Usage()
        }
    }
}
