(* What HMAC makes of a key.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Lia.
From akma Require Import S.
Local Open Scope N_scope.

(* Keys of one length that fits a block stay distinct when HMAC fills them with zeros; keys of several
   lengths do not. Hence a Ks_NAF of exactly 32 octets. *)
Definition fill (block : nat) (key : octets) : octets := key ++ repeat x00 (block - length key).

Theorem keys_of_one_length : forall block k k', size k = size k' -> fill block k = fill block k' -> k = k'.
Proof.
  unfold fill. intros block k k' Hsize E. apply halves in E as [E _]; [exact E|].
  unfold size in *. rewrite !repeat_length. lia.
Qed.

Theorem keys_of_two_lengths : exists k k', k <> k' /\ fill 64 k = fill 64 k'.
Proof. exists [], [x00]. split; [discriminate|reflexivity]. Qed.
