"""TLS as in the document: both sides present certificates, and agree on the protocol's name (Docs/NETWORK-PROTOCOL.md, TLS)."""
import os
import ssl

PROTOCOL = "outpost-np/1"


def wrap(link, folder, server_name=None):
    """`folder` has own.pem, own-key.pem, and peer.pem, which is trusted. A daemon has no `server_name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if server_name else ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(os.path.join(folder, "peer.pem"))
    context.load_cert_chain(os.path.join(folder, "own.pem"), os.path.join(folder, "own-key.pem"))
    context.set_alpn_protocols([PROTOCOL])
    wrapped = context.wrap_socket(link, server_side=not server_name, server_hostname=server_name)
    if wrapped.selected_alpn_protocol() != PROTOCOL:
        raise ssl.SSLError(f"the other side does not speak {PROTOCOL}")
    return wrapped
