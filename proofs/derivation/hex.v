(* Octets as hex text.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Ascii.
From Coq Require Export String.
From akma Require Import S.
Local Open Scope N_scope.

Definition digit (c : ascii) : N :=
  let n := N_of_ascii c in if n <? 58 then n - 48 else n - 87.

Fixpoint hex (text : string) : octets :=
  match text with
  | String high (String low rest) => octet (16 * digit high + digit low) :: hex rest
  | _ => []
  end.
