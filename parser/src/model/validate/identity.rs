//! Credentials, signals, namespaces and network devices.

use super::Check;
use crate::model::Object;

impl Check<'_> {
    pub(super) fn credentials(&mut self) {
        for (at, cred) in &self.image.creds {
            let mut on = self.on(cred.record, "CRED", || format!("cred[{at}]"));
            on.refers("user_ref", cred.user, Object::User);
            on.refers("groupinfo_ref", cred.groups, Object::GroupInfo);
            on.refers("sec_ref", cred.label, Object::Security);
        }
        for (at, user) in &self.image.users {
            self.on(user.record, "USER", || format!("user[{at}]"))
                .refers("userns_ref", user.user_ns, Object::UserNs);
        }
    }

    pub(super) fn signals(&mut self) {
        for (at, signal) in &self.image.signals {
            let path = || format!("signal[{at}]");
            self.on(signal.record, "SIGNAL", path)
                .refers("tty_objref", signal.tty, Object::Tty);
            self.pending(path, &signal.pending);
        }
    }

    pub(super) fn namespaces(&mut self) {
        for (at, ns) in &self.image.namespaces {
            let mut on = self.on(ns.record, "NS", || format!("ns[{at}]"));
            on.refers("uts_objref", ns.uts, Object::UtsNs);
            on.refers("ipc_objref", ns.ipc, Object::IpcNs);
            on.refers("net_objref", ns.net, Object::NetNs);
        }
    }

    pub(super) fn devices(&mut self) {
        for (at, device) in &self.image.devices {
            let mut on = self.on(device.record, "NETDEV", || format!("netdev[{at}]"));
            on.refers("veth.peer_ref", device.peer, Object::Netdev);
            on.refers("netns_ref", device.net_ns, Object::NetNs);
        }
    }
}
