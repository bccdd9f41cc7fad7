internal import Files
internal import Glibc
internal import Identity
package import Operations
internal import StrictJSON
internal import SystemErrors

/// The command line's direct access to the audit log.
extension LocalState {
    package static func verifyAudit(_ configuration: ReflectorConfiguration) throws -> AuditReport {
        let key = try existingKey(configuration)
        try requireLog(configuration)
        let trust = AuditTrust.verifier(own: key.endpointID, keyPath: configuration.privateKeyPath)
        return try AuditVerifier.verify(path: configuration.auditLogPath, layout: .reflector, verify: trust)
    }

    /// Passes the lines since `since` to `write`: unchanged, or as the elements of one JSON array, in which a damaged
    /// line is a string.
    package static func exportAudit(
        _ configuration: ReflectorConfiguration,
        since: Timestamp?,
        asArray: Bool,
        to write: ([UInt8]) -> Void
    ) throws {
        try requireLog(configuration)
        let from = since ?? Timestamp(microseconds: .min)
        var separator = "["
        // Once started, the array also ends if the log cannot be read to its end.
        var isDone = false
        defer { if asArray, isDone || separator != "[" { write(Array((separator == "[" ? "[]\n" : "\n]\n").utf8)) } }
        _ = try AuditExport.copy(path: configuration.auditLogPath, since: from) { line in
            guard asArray else { return write(Array(line)) }
            let content = line.dropLast()
            let isJSON = (try? JSONParser.parse(content)) != nil
            let damaged = JSONValue.string(String(decoding: content, as: UTF8.self)).text
            write(Array((separator + "\n").utf8) + (isJSON ? Array(content) : Array(damaged.utf8)))
            separator = ","
        }
        isDone = true
    }

    /// Accepts a log whose checkpoint is lost or damaged, and adds a line that says so; nil if its checkpoint is valid.
    /// Refused while a server runs, and for a log whose lines were changed or are missing.
    package static func repairAudit(_ configuration: ReflectorConfiguration) async throws -> AuditOpening? {
        let folder = try StateFolder(claiming: configuration.stateFolder, for: .reflector)
        defer { withExtendedLifetime(folder) {} }
        let key = try existingKey(configuration)
        try requireLog(configuration)
        let verify = { (toleratesUnfinishedEnd: Bool) in
            try AuditVerifier.verify(
                path: configuration.auditLogPath,
                layout: .reflector,
                toleratesUnfinishedEnd: toleratesUnfinishedEnd,
                verify: AuditTrust.verifier(own: key.endpointID, keyPath: configuration.privateKeyPath)
            )
        }
        let report = try verify(true)
        if report.isIntact {
            let strict = try verify(false)
            guard strict.isIntact else { throw UnfinishedLog(finding: strict.sentence) }
            return nil
        }
        guard report.flaw == nil, case .unknown = report.end else {
            throw AuditError.tampered(path: configuration.auditLogPath, problem: report.sentence)
        }
        let identity = try ServerIdentity(key: key, applicationProtocols: [configuration.alpn])
        let (log, opening) = try AuditLog.open(
            path: configuration.auditLogPath,
            signing: AuditTrust.signing(with: identity, keyPath: configuration.privateKeyPath),
            layout: .reflector,
            acceptsMissingCheckpoint: true
        )
        await log.close()
        return opening
    }

    /// A log that is not whole, and that a repair cannot help.
    private struct UnfinishedLog: Error, CustomStringConvertible {
        let finding: String

        var description: String {
            "\(finding). Nothing was changed: lines that no checkpoint binds were never acknowledged, and if nothing else is wrong, "
                + "`reflector serve` cuts them off at its next start and says so"
        }
    }

    /// Throws if there is no audit log at all, or only a checkpoint.
    static func requireLog(_ configuration: ReflectorConfiguration) throws {
        let path = configuration.auditLogPath
        do throws(SystemError) {
            _ = try FileStatus.ofLink(at: path)
            return
        } catch {
            // Opening the log reports whatever else is wrong.
            guard error.code == ENOENT, try AuditArchive.all(ofLog: path).isEmpty else { return }
        }
        let checkpoint = AuditCheckpoint.path(ofLog: path)
        if (try? FileStatus.ofLink(at: checkpoint)) != nil {
            throw ControlSocketError.failed(
                "the audit log \(path) is gone, and its checkpoint \(checkpoint) is still there: the log was moved or removed; "
                    + "put it back, or move the checkpoint aside to start a new log"
            )
        }
        throw ControlSocketError.failed(
            "there is no audit log at \(path) yet; `reflector serve` creates it. If the reflector runs with another "
                + "configuration, name that with --config"
        )
    }
}
