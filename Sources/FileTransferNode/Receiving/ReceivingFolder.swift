internal import FileTransfer
internal import Files
internal import Identity
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// A folder that receives the files of sessions, one after the other or at the same time.
package final class ReceivingFolder: Sendable {
    private let path: String
    let options: Mutex<DiskSink.Options>
    private let claims = PathClaims()
    /// Two processes would write into one file if they got files of one name.
    private let lock: FileLock

    /// Creates a folder to receive into, if it is missing.
    package static func create(_ path: String) throws {
        do throws(SystemError) { try Folders.create(path) } catch {
            throw TransferError(.local, "cannot create the folder \(path): \(error.reason)")
        }
    }

    /// - Parameter path: of the folder, which exists. One process at a time receives into it.
    init(_ path: String, _ options: DiskSink.Options) throws {
        self.path = path
        self.options = Mutex(options)
        do throws(FileLock.Failure) {
            lock = try FileLock(folder: path, tries: 1)
        } catch {
            switch error {
            case .isHeld:
                throw TransferError(
                    .local,
                    "another courier receives into \(path); end it, or receive into another folder with --to"
                )
            case .unusable(let reason): throw TransferError(.local, "cannot open \(path): \(reason.reason)")
            }
        }
        do throws(SystemError) { try SmallFileBatch.removeUnfinished(in: path, places: FileReceiving.mostPlaces) } catch
        {
            throw TransferError(.local, "cannot use \(path): \(error.reason)")
        }
    }

    /// Another process may receive into it.
    func close() { lock.release() }

    /// For a session.
    ///
    /// - Parameters:
    ///   - place: tells it from others that receive at the same time.
    ///   - mostOpen: parts that are open at the same time.
    func sink(place: Int = 0, mostOpen: Int = 64) throws -> DiskSink {
        do throws(FileFault) {
            return try DiskSink(
                into: path,
                options: options.withLock { $0 },
                claims: claims,
                place: place,
                mostOpen: mostOpen
            )
        } catch {
            throw TransferError(.local, error.description)
        }
    }

    func result(_ content: borrowing FileReceiver, _ sink: DiskSink, from peer: EndpointID) -> TransferOutcome {
        let files = content.entries.map { entry in
            TransferredFile(
                place: FilePlace(folder: path, name: sink.path(of: entry)),
                kind: entry.kind,
                bytes: entry.size,
                outcome: content.faults[entry.number].map { .failed($0) }
                    ?? (content.skipped.contains(entry.number) ? .skipped : .verified(content.digests[entry.number]))
            )
        }
        return TransferOutcome(
            peer: peer,
            entries: files,
            notices: content.notices + sink.notices,
            movedBytes: content.receivedBytes,
            keptBytes: content.keptBytes,
            hasWrongFile: content.hasWrongFile,
            receipt: content.receipt,
            receiptFiles: content.receiptFiles
        )
    }
}

extension FileReceiver {
    var progress: TransferProgress {
        TransferProgress(bytes: min(totalBytes, keptBytes + receivedBytes), total: totalBytes, moved: receivedBytes)
    }
}
