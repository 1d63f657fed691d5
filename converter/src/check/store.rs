//! Images in object stores: `s3://bucket/prefix` and its like. Only the blocks that are looked at are fetched.

/// Whether a name is a place in a store.
pub(super) fn is_url(name: &str) -> bool {
    name.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Programs without the feature say how to get it.
#[cfg(not(feature = "object-store"))]
pub(super) fn open(_url: &str) -> anyhow::Result<ckpt_bridge::criu::Archive> {
    anyhow::bail!(
        "this ckpt-check was built without object stores: build it with --features s3 (or object-store for file:// alone)"
    )
}

#[cfg(feature = "object-store")]
pub(super) use remote::open;

#[cfg(feature = "object-store")]
mod remote {
    use std::collections::{BTreeMap, VecDeque};
    use std::io;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use anyhow::{Context as _, Result, bail};
    use ckpt_bridge::bytes::{Blob, ReadAt};
    use ckpt_bridge::criu::Archive;
    use futures_util::TryStreamExt as _;
    use object_store::path::Path;
    use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
    use tokio::runtime::Runtime;

    /// Everything at or below a URL. Credentials come from the environment, as the tools of each store read them.
    pub(in super::super) fn open(url: &str) -> Result<Archive> {
        let parsed = url::Url::parse(url)?;
        let environment = std::env::vars().map(|(key, value)| (key.to_ascii_lowercase(), value));
        let (store, prefix) = object_store::parse_url_opts(&parsed, environment)
            .context("not an object store, or one that this ckpt-check was built without")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        below(url, &Arc::new(Store { store, runtime }), &prefix)
    }

    /// A store and what drives its requests.
    struct Store {
        store: Box<dyn ObjectStore>,
        runtime: Runtime,
    }

    fn below(url: &str, store: &Arc<Store>, prefix: &Path) -> Result<Archive> {
        let list = store.store.list(Some(prefix)).try_collect();
        let mut objects: Vec<ObjectMeta> = store.runtime.block_on(list)?;
        if objects.is_empty() {
            // A prefix does not list the object of exactly that name.
            match store.runtime.block_on(store.store.head(prefix)) {
                Ok(object) => objects.push(object),
                Err(object_store::Error::NotFound { .. }) => bail!("no object is there"),
                Err(error) => return Err(error.into()),
            }
        }
        let mut members = BTreeMap::new();
        for object in objects {
            let inner = object.location.prefix_match(prefix);
            let path: PathBuf = inner
                .into_iter()
                .flatten()
                .map(|part| part.as_ref().to_owned())
                .collect();
            let name = object.location.filename().unwrap_or_default().to_owned();
            let blob = Blob::new(name, Arc::new(ObjectAt::new(Arc::clone(store), object)));
            members.insert(path, blob);
        }
        Ok(Archive::of_members(url, members))
    }

    /// What is fetched at once.
    const BLOCK: u64 = 1 << 20;
    /// Blocks of one object that are kept: code is scanned in order, headers are visited again.
    const KEPT: usize = 8;

    /// One block and its number.
    type Block = (u64, bytes::Bytes);

    /// An object that reads like a file. It is asked for under its tag: one that changes meanwhile is an error, not a
    /// mixture of both.
    struct ObjectAt {
        store: Arc<Store>,
        object: ObjectMeta,
        /// The most recent one last.
        blocks: Mutex<VecDeque<Block>>,
    }

    impl ObjectAt {
        fn new(store: Arc<Store>, object: ObjectMeta) -> Self {
            Self {
                store,
                object,
                blocks: Mutex::default(),
            }
        }

        fn block(&self, number: u64) -> io::Result<bytes::Bytes> {
            let mut blocks = self.blocks.lock().map_err(|_| io::ErrorKind::Other)?;
            let kept = blocks.iter().position(|(known, _)| *known == number);
            let block = match kept.and_then(|at| blocks.remove(at)) {
                Some(block) => block,
                None => (number, self.fetch(number)?),
            };
            let content = block.1.clone();
            blocks.push_back(block);
            if blocks.len() > KEPT {
                blocks.pop_front();
            }
            Ok(content)
        }

        fn fetch(&self, number: u64) -> io::Result<bytes::Bytes> {
            let start = number * BLOCK;
            let end = (start + BLOCK).min(self.object.size);
            let options = GetOptions {
                range: Some(GetRange::Bounded(start..end)),
                if_match: self.object.e_tag.clone(),
                ..GetOptions::default()
            };
            let get = async {
                let answer = self.store.store.get_opts(&self.object.location, options);
                answer.await?.bytes().await
            };
            self.store.runtime.block_on(get).map_err(io::Error::other)
        }
    }

    impl ReadAt for ObjectAt {
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            if offset >= self.object.size || buf.is_empty() {
                return Ok(0);
            }
            let block = self.block(offset / BLOCK)?;
            let from = usize::try_from(offset % BLOCK).map_err(io::Error::other)?;
            let rest = block.get(from..).unwrap_or_default();
            let len = rest.len().min(buf.len());
            if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
                to.copy_from_slice(from);
            }
            Ok(len)
        }

        fn len(&self) -> u64 {
            self.object.size
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use object_store::memory::InMemory;
        use object_store::{PutPayload, path::Path};

        fn store(objects: &[(&str, Vec<u8>)]) -> Arc<Store> {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let store = InMemory::new();
            for (path, bytes) in objects {
                let path = Path::from(*path);
                let put = store.put(&path, PutPayload::from(bytes.clone()));
                runtime.block_on(put).unwrap();
            }
            Arc::new(Store {
                store: Box::new(store),
                runtime,
            })
        }

        #[test]
        fn objects_read_like_files_across_blocks() {
            let bytes: Vec<u8> = (0..3 * BLOCK + 17)
                .map(|at| u8::try_from(at % 251).unwrap())
                .collect();
            let store = store(&[("fleet/big.ckpt", bytes.clone())]);
            let archive = below("memory:///fleet", &store, &Path::from("fleet")).unwrap();
            let (path, blob) = archive.files().next().unwrap();
            assert_eq!(path, std::path::Path::new("big.ckpt"));
            assert_eq!(blob.read_all(1 << 30).unwrap(), bytes);
            let at = usize::try_from(BLOCK).unwrap() - 5;
            let across = blob.read(BLOCK - 5, 10, 10).unwrap();
            assert_eq!(across, bytes.get(at..at + 10).unwrap());
        }

        #[test]
        fn a_single_object_has_the_name_of_the_url() {
            let store = store(&[("one.ckpt", vec![1, 2, 3])]);
            let archive = below("memory:///one.ckpt", &store, &Path::from("one.ckpt")).unwrap();
            let (path, blob) = archive.files().next().unwrap();
            assert!(path.as_os_str().is_empty() && blob.len() == 3);
            let nothing = below("memory:///none", &store, &Path::from("none"));
            assert!(nothing.unwrap_err().to_string().contains("no object"));
        }

        #[test]
        fn an_object_that_changes_is_an_error() {
            let store = store(&[("one.ckpt", vec![1, 2, 3])]);
            let archive = below("memory:///", &store, &Path::default()).unwrap();
            let path = Path::from("one.ckpt");
            let put = store.store.put(&path, PutPayload::from_static(b"new"));
            store.runtime.block_on(put).unwrap();
            let (_, blob) = archive.files().next().unwrap();
            assert!(blob.read_all(10).is_err());
        }

        #[test]
        fn a_set_in_a_store_is_one_image() {
            let objects = [
                ("sets/a/inventory.img", vec![0]),
                ("sets/a/pstree.img", vec![0]),
            ];
            let archive = below("memory:///sets", &store(&objects), &Path::from("sets")).unwrap();
            assert_eq!(archive.sets(), [PathBuf::from("a")]);
        }
    }
}
