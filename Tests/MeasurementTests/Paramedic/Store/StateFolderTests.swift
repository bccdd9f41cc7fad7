internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("paramedic's state folder")
struct StateFolderTests {
    @Test func `PARAMEDIC_STATE wins, then XDG_STATE_HOME, then HOME`() {
        #expect(ParamedicStore.defaultFolder(environment: ["PARAMEDIC_STATE": "/p", "HOME": "/h"]) == "/p")
        #expect(
            ParamedicStore.defaultFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/paramedic"
        )
        #expect(ParamedicStore.defaultFolder(environment: ["HOME": "/h"]) == "/h/.local/state/paramedic")
    }

    @Test func `without HOME the user's own folder is taken, never the root of the file system`() {
        let folder = ParamedicStore.defaultFolder(environment: [:])
        #expect(folder.hasSuffix("/.local/state/paramedic"))
        #expect(!folder.hasPrefix("/.local"))
    }
}
