//! Credentials, namespaces, labels (§3.6, §3.7).

use super::*;

ids! {
    cred {
        UID = CRED "uid"; SUID = CRED "suid"; EUID = CRED "euid"; FSUID = CRED "fsuid"; GID = CRED "gid"; SGID = CRED "sgid"; EGID = CRED "egid"; FSGID = CRED "fsgid";
        USER = CRED "user_ref"; GROUPS = CRED "groupinfo_ref"; LABEL = CRED "sec_ref"; SECUREBITS = CRED "cap_s.securebits";
        I0 = CRED "cap_s.cap_i_0"; I1 = CRED "cap_s.cap_i_1"; P0 = CRED "cap_s.cap_p_0"; P1 = CRED "cap_s.cap_p_1";
        E0 = CRED "cap_s.cap_e_0"; E1 = CRED "cap_s.cap_e_1"; B0 = CRED "cap_s.cap_b_0"; B1 = CRED "cap_s.cap_b_1";
        LIST = GROUPINFO "groups"; USER_UID = USER "uid"; USER_NS = USER "userns_ref"; CREATOR = USER_NS "creator_ref";
        UTS = NS "uts_objref"; IPC = NS "ipc_objref"; NET = NS "net_objref"; SECTYPE = SECURITY "sectype";
    }
}

impl Builder {
    pub(super) fn identity(&mut self, event: &Event, tag: Tag, view: &View) {
        let at = object_of(event);
        let wide =
            |low, high| u64::from(get32(view, low)) | u64::from(get32(view, high)).wrapping_shl(32);
        match tag {
            Tag::Cred => {
                let cred = Cred {
                    record: record(event),
                    uids: [cred::UID, cred::SUID, cred::EUID, cred::FSUID]
                        .map(|id| get32(view, id)),
                    gids: [cred::GID, cred::SGID, cred::EGID, cred::FSGID]
                        .map(|id| get32(view, id)),
                    user: objref(view, cred::USER),
                    groups: objref(view, cred::GROUPS),
                    label: objref(view, cred::LABEL),
                    caps: [
                        wide(cred::I0, cred::I1),
                        wide(cred::P0, cred::P1),
                        wide(cred::E0, cred::E1),
                        wide(cred::B0, cred::B1),
                    ],
                    securebits: get32(view, cred::SECUREBITS),
                };
                self.image.creds.insert(at, cred);
            }
            Tag::GroupInfo => {
                let groups = view.uints(cred::LIST).map(|gid| gid as u32).collect();
                self.image.groups.insert(at, groups);
            }
            Tag::User => {
                let user = User {
                    record: record(event),
                    uid: get32(view, cred::USER_UID),
                    user_ns: objref(view, cred::USER_NS),
                };
                self.image.users.insert(at, user);
            }
            Tag::UserNs => {
                self.image
                    .user_namespaces
                    .insert(at, objref(view, cred::CREATOR));
            }
            Tag::Ns => {
                let ns = Namespaces {
                    record: record(event),
                    uts: objref(view, cred::UTS),
                    ipc: objref(view, cred::IPC),
                    net: objref(view, cred::NET),
                };
                self.image.namespaces.insert(at, ns);
            }
            Tag::UtsNs => {
                let mut names: [Vec<u8>; 6] = Default::default();
                let texts = view
                    .layout
                    .slots
                    .iter()
                    .filter(|slot| !slot.is_padding())
                    .filter_map(|slot| view.slot_bytes(slot));
                for (name, text) in names.iter_mut().zip(texts) {
                    *name = until_nul(text).to_vec();
                }
                self.image.uts.insert(
                    at,
                    Uts {
                        record: record(event),
                        names,
                    },
                );
            }
            Tag::NetNs => {
                self.image.net.insert(at, record(event));
            }
            Tag::Security => {
                let kind = u8::try_from(get(view, cred::SECTYPE)).unwrap_or(0);
                self.image.labels.insert(
                    at,
                    Label {
                        record: record(event),
                        kind,
                        text: Vec::new(),
                    },
                );
            }
            Tag::Hpage => self.huge_page_address(view),
            _ => {}
        }
    }
}
