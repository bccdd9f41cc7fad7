package import Identity
internal import LinkMeasurement
internal import Operations

/// What the user must decide or fix.
package enum ParamedicError: Error, CustomStringConvertible {
    case noReflector
    case ambiguous([String])
    case unknownReflector(String, known: [String])
    case noExamination(of: String?)
    case unknownExamination(String, matches: Int)
    case badAddress(String)
    case nameTaken(String, known: EndpointID, new: EndpointID)
    case anotherTestRuns(String)
    case noLock(path: String, reason: String)
    case invalid(String)

    package var description: String {
        switch self {
        case .noReflector:
            "no reflector is known; run `reflector pair` on one and paste the line that it prints here"
        case .ambiguous(let names):
            "several reflectors are known (\(names.joined(separator: ", "))); name one with --reflector"
        case .unknownReflector(let name, let known):
            "no reflector is called \"\(name)\""
                + (known.isEmpty ? "; see `paramedic reflectors`" : "; known are \(known.joined(separator: ", "))")
        case .noExamination(let reflector):
            "\(reflector.map { "the history has nothing of \"\($0)\"" } ?? "the history is empty")"
                + "; make an examination with `paramedic run`"
        case .unknownExamination(let prefix, let matches):
            matches == 0
                ? "no examination has an ID that starts with \"\(prefix)\"; see `paramedic history`"
                : "several examinations have IDs that start with \"\(prefix)\"; give more of it"
        case .badAddress(let text):
            "invalid address \"\(text.printable())\": must be HOST:PORT, such as vps.example.net:4000 or [2001:db8::1]:4000"
        case .nameTaken(let name, let known, let new):
            """
            "\(name)" is the name of another reflector:
              known  \(known)
              new    \(new)
            Was it reinstalled, or its identity rotated? Then repeat the command with --replace. To keep \
            both, give this one another name with --name. Otherwise another machine may be posing as it.
            """
        case .noLock(let path, let reason):
            "cannot use the lock for heavy tests, \(path): \(reason)"
        case .anotherTestRuns(let path):
            "another paramedic is running a heavy test on this machine (lock \(path)); wait until it ends"
        case .invalid(let message): message
        }
    }
}
